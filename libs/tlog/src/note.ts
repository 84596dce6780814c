import { createPrivateKey, createPublicKey, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import { base64, fromBase64, utf8 } from './encodings.js';
import { sha256 } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** Signs note texts with an Ed25519 key. C2SP signed-note, signature type 0x01 */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** 64 bytes over the text's UTF-8. */
  sign(text: string): Uint8Array;
}

/** Verifies note texts under an Ed25519 key. C2SP signed-note, signature type 0x01 */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** "name+hash8+base64(0x01 || public key)", as golang.org/x/mod/sumdb/note writes it. */
  readonly vkey: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  verify(text: string, signature: Uint8Array): boolean;
}

const ED25519 = 1;
const PRIVATE_PREFIX = 'PRIVATE+KEY+';
const MAX_SIGNATURES = 100;
// node:crypto takes raw Ed25519 keys only inside these fixed DER frames. RFC 8410
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** A key name is not empty and holds no space, control character or plus. C2SP signed-note */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s\p{Cc}+]/u.test(name);
}

/** A new random key: skey is "PRIVATE+KEY+name+hash8+base64(0x01 || seed)", vkey "name+hash8+base64(0x01 || public key)". */
export function generateNoteKey(name: string): { skey: string; vkey: string } {
  const seed = new Uint8Array(randomBytes(32));
  const { vkey, keyId } = noteVerifier(name, publicKeyOf(privateKey(seed)));
  return { skey: `${PRIVATE_PREFIX}${keyText(name, keyId, seed)}`, vkey };
}

/** @throws TlogError 'key-malformed' */
export function parseSigner(skey: string): NoteSigner {
  const { name, keyId, key } = openSkey(skey);
  return { name, keyId, sign: (text) => new Uint8Array(sign(null, utf8(text), key)) };
}

/** The public half of a signer's key. @throws TlogError 'key-malformed' */
export function verifierOf(skey: string): NoteVerifier {
  const { name, key } = openSkey(skey);
  return noteVerifier(name, publicKeyOf(key));
}

/** @throws TlogError 'key-malformed' */
export function parseVerifier(vkey: string): NoteVerifier {
  const { name, keyId, bytes } = parseKeyText(vkey);
  const verifier = noteVerifier(name, bytes);
  if (verifier.keyId !== keyId) throw new TlogError('key-malformed', 'The key does not have the hash written beside it.');
  return verifier;
}

/** From a raw 32-byte Ed25519 public key (RFC 8032). @throws TlogError 'key-malformed' */
export function noteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  if (!isKeyName(name)) throw new TlogError('key-malformed', 'A key name is not empty and holds no space and no plus.');
  if (publicKey.length !== 32)
    throw new TlogError('key-malformed', `An Ed25519 public key has 32 bytes, not ${publicKey.length}.`);
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  const keyId = keyIdOf(name, publicKey);
  return {
    name,
    keyId,
    vkey: keyText(name, keyId, publicKey),
    publicKey: Uint8Array.from(publicKey),
    verify: (text, signature) => signature.length === 64 && verify(null, utf8(text), key, signature),
  };
}

/** The note: text, empty line, one line for each signer. @throws TlogError 'note-malformed' for a text that cannot be one. */
export function signNote(text: string, ...signers: NoteSigner[]): string {
  if (signers.length === 0) throw new TlogError('note-unsigned', 'A note needs a signer.');
  if (!text.endsWith('\n') || !isNoteText(text)) {
    throw new TlogError('note-malformed', 'A note text ends in a newline and holds no other control character.');
  }
  const lines = signers.map((signer) => {
    return `— ${signer.name} ${base64(Buffer.concat([uint32(signer.keyId), signer.sign(text)]))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Verifies a note. Signatures of keys that are not among `verifiers` are counted and otherwise ignored.
 * @throws TlogError 'note-malformed'; 'signature-invalid' when the signature of a known key does not verify;
 * 'note-unsigned' when there is none of a known key. C2SP signed-note
 */
export function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; signers: readonly NoteVerifier[]; unknown: number } {
  const { text, signatures } = splitNote(note);
  const signers: NoteVerifier[] = [];
  let unknown = 0;
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((v) => v.name === name && v.keyId === keyId);
    if (verifier === undefined) {
      unknown += 1;
      continue;
    }
    if (signers.includes(verifier)) throw new TlogError('note-malformed', `The note is signed twice by ${name}.`);
    if (!verifier.verify(text, signature)) throw new TlogError('signature-invalid', `The signature of ${name} does not verify.`);
    signers.push(verifier);
  }
  if (signers.length === 0) throw new TlogError('note-unsigned', 'The note carries no signature of a key that was asked for.');
  return { text, signers, unknown };
}

/** Takes a note apart without verifying it. @throws TlogError 'note-malformed' */
export function splitNote(note: string): {
  text: string;
  signatures: readonly { name: string; keyId: number; signature: Uint8Array }[];
} {
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n') || !isNoteText(note)) {
    throw new TlogError('note-malformed', 'A note is a text, an empty line and signature lines, each ended by a newline.');
  }
  const lines = note.slice(blank + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new TlogError('note-malformed', `A note has at most ${MAX_SIGNATURES} signatures.`);
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): { name: string; keyId: number; signature: Uint8Array } {
  const [dash, name, encoded, ...more] = line.split(' ');
  if (dash !== '—' || name === undefined || !isKeyName(name) || encoded === undefined || more.length > 0) {
    throw new TlogError('note-malformed', 'A line after the text of a note is not a signature line.');
  }
  const bytes = fromBase64(encoded);
  if (bytes.length < 5) throw new TlogError('note-malformed', `The signature of ${name} is too short.`);
  return { name, keyId: readUint32(bytes), signature: bytes.slice(4) };
}

function isNoteText(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\n\u007f-\u009f]/u.test(text);
}

function openSkey(skey: string): { name: string; keyId: number; key: KeyObject } {
  if (!skey.startsWith(PRIVATE_PREFIX)) throw new TlogError('key-malformed', `A private note key begins with ${PRIVATE_PREFIX}`);
  const { name, keyId, bytes } = parseKeyText(skey.slice(PRIVATE_PREFIX.length));
  const key = privateKey(bytes);
  if (keyIdOf(name, publicKeyOf(key)) !== keyId) {
    throw new TlogError('key-malformed', 'The private key does not have the hash written beside it.');
  }
  return { name, keyId, key };
}

function parseKeyText(text: string): { name: string; keyId: number; bytes: Uint8Array } {
  // Only the first two plus signs separate: base64 has its own.
  const [, name, hash, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  if (name === undefined || hash === undefined || encoded === undefined || !isKeyName(name)) {
    throw new TlogError('key-malformed', 'A note key reads name+hash+base64.');
  }
  const bytes = fromBase64(encoded);
  if (bytes[0] !== ED25519 || bytes.length !== 33) throw new TlogError('key-malformed', 'The key is not an Ed25519 note key.');
  return { name, keyId: Number.parseInt(hash, 16), bytes: bytes.slice(1) };
}

function keyText(name: string, keyId: number, key: Uint8Array): string {
  return `${name}+${keyId.toString(16).padStart(8, '0')}+${base64(Uint8Array.of(ED25519, ...key))}`;
}

function keyIdOf(name: string, publicKey: Uint8Array): number {
  return readUint32(sha256(utf8(`${name}\n`), Uint8Array.of(ED25519), publicKey));
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function readUint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}
