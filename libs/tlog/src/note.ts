import { sign, verify } from 'node:crypto';
import { fromBase64, utf8 } from './encodings.js';
import {
  SIGNATURE_TYPE,
  generateKey,
  isKeyName,
  keyObjectOf,
  noteKey,
  openSkey,
  openVkey,
  readUint32,
  signatureLine,
  type NoteKey,
} from './note-key.js';
import { TlogError } from './tlog-error.js';

/** Signs note texts with an Ed25519 key. C2SP signed-note, signature type 0x01 */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** 64 bytes over the text's UTF-8. */
  sign(text: string): Uint8Array;
}

/** Verifies note texts under an Ed25519 key. C2SP signed-note, signature type 0x01 */
export interface NoteVerifier extends NoteKey {
  verify(text: string, signature: Uint8Array): boolean;
}

const TYPE = SIGNATURE_TYPE.note;
const MAX_SIGNATURES = 100;

/** A new random key: skey is "PRIVATE+KEY+name+hash8+base64(0x01 || seed)", vkey "name+hash8+base64(0x01 || public key)". */
export function generateNoteKey(name: string): { skey: string; vkey: string } {
  return generateKey(TYPE, name);
}

/** @throws TlogError 'key-malformed' */
export function parseSigner(skey: string): NoteSigner {
  const { name, keyId, privateKey } = openSkey(TYPE, skey);
  return { name, keyId, sign: (text) => new Uint8Array(sign(null, utf8(text), privateKey)) };
}

/** The public half of a signer's key. @throws TlogError 'key-malformed' */
export function verifierOf(skey: string): NoteVerifier {
  return verifierWith(openSkey(TYPE, skey));
}

/** @throws TlogError 'key-malformed' */
export function parseVerifier(vkey: string): NoteVerifier {
  return verifierWith(openVkey(TYPE, vkey));
}

/** From a raw 32-byte Ed25519 public key (RFC 8032). @throws TlogError 'key-malformed' */
export function noteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  return verifierWith(noteKey(TYPE, name, publicKey));
}

/** The note: text, empty line, one line for each signer. @throws TlogError 'note-malformed' for a text that cannot be one. */
export function signNote(text: string, ...signers: NoteSigner[]): string {
  if (signers.length === 0) throw new TlogError('note-unsigned', 'A note needs a signer.');
  if (!text.endsWith('\n') || !isNoteText(text)) {
    throw new TlogError('note-malformed', 'A note text ends in a newline and holds no other control character.');
  }
  const lines = signers.map((signer) => signatureLine(signer, signer.sign(text)));
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

function verifierWith({ name, keyId, vkey, publicKey }: NoteKey): NoteVerifier {
  const key = keyObjectOf({ publicKey });
  const checks = (text: string, signature: Uint8Array): boolean => verify(null, utf8(text), key, signature);
  return { name, keyId, vkey, publicKey, verify: checks };
}
