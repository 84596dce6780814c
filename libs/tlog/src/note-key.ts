import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { base64, fromBase64, utf8 } from './encodings.js';
import { sha256 } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** Signature type bytes that we know: plain Ed25519 notes, and timestamped cosignatures. C2SP signed-note, "Signature types" */
export const SIGNATURE_TYPE = { note: 0x01, cosignature: 0x04 } as const;

export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

export interface NoteKey {
  readonly name: string;
  /** SHA-256(name || 0x0A || type || public key)[:4]. The type is in it, so that one key used in two ways has two ids. */
  readonly keyId: number;
  /** "name+hash8+base64(type || public key)", as golang.org/x/mod/sumdb/note writes it. */
  readonly vkey: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

const PRIVATE_PREFIX = 'PRIVATE+KEY+';
// node:crypto takes raw Ed25519 keys only inside these fixed DER frames. RFC 8410
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** A key name is not empty and holds no space, control character or plus. C2SP signed-note */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s\p{Cc}+]/u.test(name);
}

/** A new random key: skey is "PRIVATE+KEY+name+hash8+base64(type || seed)". */
export function generateKey(type: SignatureType, name: string): { skey: string; vkey: string } {
  const seed = new Uint8Array(randomBytes(32));
  const { vkey, keyId } = noteKey(type, name, publicKeyOf(privateKey(seed)));
  return { skey: `${PRIVATE_PREFIX}${keyText(type, name, keyId, seed)}`, vkey };
}

/** From a raw 32-byte Ed25519 public key (RFC 8032). @throws TlogError 'key-malformed' */
export function noteKey(type: SignatureType, name: string, publicKey: Uint8Array): NoteKey {
  if (!isKeyName(name)) throw new TlogError('key-malformed', 'A key name is not empty and holds no space and no plus.');
  if (publicKey.length !== 32)
    throw new TlogError('key-malformed', `An Ed25519 public key has 32 bytes, not ${publicKey.length}.`);
  const keyId = keyIdOf(type, name, publicKey);
  return { name, keyId, vkey: keyText(type, name, keyId, publicKey), publicKey: Uint8Array.from(publicKey) };
}

/** @throws TlogError 'key-malformed', also for a key of another type. */
export function openVkey(type: SignatureType, vkey: string): NoteKey {
  const { name, keyId, bytes } = parseKeyText(type, vkey);
  const key = noteKey(type, name, bytes);
  if (key.keyId !== keyId) throw new TlogError('key-malformed', 'The key does not have the hash written beside it.');
  return key;
}

/** @throws TlogError 'key-malformed', also for a key of another type. */
export function openSkey(type: SignatureType, skey: string): NoteKey & { readonly privateKey: KeyObject } {
  if (!skey.startsWith(PRIVATE_PREFIX)) throw new TlogError('key-malformed', `A private note key begins with ${PRIVATE_PREFIX}.`);
  const { name, keyId, bytes } = parseKeyText(type, skey.slice(PRIVATE_PREFIX.length));
  const secret = privateKey(bytes);
  const key = noteKey(type, name, publicKeyOf(secret));
  if (key.keyId !== keyId) throw new TlogError('key-malformed', 'The private key does not have the hash written beside it.');
  return { ...key, privateKey: secret };
}

export function keyObjectOf({ publicKey }: Pick<NoteKey, 'publicKey'>): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
}

/** "— name base64(key id || signature)" with its newline. C2SP signed-note */
export function signatureLine({ name, keyId }: Pick<NoteKey, 'name' | 'keyId'>, signature: Uint8Array): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${base64(Buffer.concat([id, signature]))}\n`;
}

export function readUint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

function parseKeyText(type: SignatureType, text: string): { name: string; keyId: number; bytes: Uint8Array } {
  // Only the first two plus signs separate: base64 has its own.
  const [, name = '', hash = '', encoded = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)/s.exec(text) ?? [];
  if (!isKeyName(name)) throw new TlogError('key-malformed', 'A note key reads name+hash+base64.');
  const bytes = fromBase64(encoded);
  if (bytes[0] !== type || bytes.length !== 33) {
    const wanted = type === SIGNATURE_TYPE.note ? 'an Ed25519 note key (type 0x01)' : 'an Ed25519 cosigner key (type 0x04)';
    throw new TlogError('key-malformed', `The key is not ${wanted}.`);
  }
  return { name, keyId: Number.parseInt(hash, 16), bytes: bytes.slice(1) };
}

function keyText(type: SignatureType, name: string, keyId: number, key: Uint8Array): string {
  return `${name}+${keyId.toString(16).padStart(8, '0')}+${base64(Uint8Array.of(type, ...key))}`;
}

function keyIdOf(type: SignatureType, name: string, publicKey: Uint8Array): number {
  return readUint32(sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
}
