import { sign, verify } from 'node:crypto';
import { parseCheckpoint } from './checkpoint.js';
import { utf8 } from './encodings.js';
import { SIGNATURE_TYPE, generateKey, keyObjectOf, openSkey, openVkey, signatureLine, type NoteKey } from './note-key.js';
import { splitNote, type NoteSigner } from './note.js';
import { TlogError } from './tlog-error.js';

/** A witness's public key. C2SP tlog-cosignature, Ed25519, signature type 0x04 */
export type CosignatureVerifier = NoteKey;

/** What a witness signs with. C2SP tlog-cosignature, Ed25519, signature type 0x04 */
export interface Cosigner extends NoteSigner {
  readonly vkey: string;
}

/** A cosignature that verified. */
export interface Cosignature {
  readonly witness: CosignatureVerifier;
  /** When the witness says that it saw no larger tree of this log. Whole seconds. */
  readonly time: Date;
}

const TYPE = SIGNATURE_TYPE.cosignature;
const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;
/** The last second that a Date can hold. ECMA-262 §21.4.1.1; the C2SP limit of 2^63 - 1 is far beyond it. */
const LAST_SECOND = 8_640_000_000_000n;

/** A new random key: skey is "PRIVATE+KEY+name+hash8+base64(0x04 || seed)", vkey "name+hash8+base64(0x04 || public key)". */
export function generateWitnessKey(name: string): { skey: string; vkey: string } {
  return generateKey(TYPE, name);
}

/** @throws TlogError 'key-malformed', also for the key of a log (type 0x01). */
export function parseCosigner(skey: string): Cosigner {
  const { name, keyId, vkey, privateKey } = openSkey(TYPE, skey);
  return { name, keyId, vkey, sign: (text) => new Uint8Array(sign(null, utf8(text), privateKey)) };
}

/** @throws TlogError 'key-malformed', also for the key of a log (type 0x01). */
export function parseCosignatureVerifier(vkey: string): CosignatureVerifier {
  return openVkey(TYPE, vkey);
}

/**
 * One signature line, "— name base64(key id || seconds, 8 bytes || signature)" with its newline, over
 * "cosignature/v1\ntime <seconds>\n" and the checkpoint's text. Whether the checkpoint deserves it is the caller's to know.
 * @throws TlogError when the note is not a checkpoint. C2SP tlog-cosignature
 */
export function cosign(checkpointNote: string, cosigner: Cosigner, time: Date): string {
  const { text } = splitNote(checkpointNote);
  parseCheckpoint(text);
  const seconds = BigInt(Math.floor(time.getTime() / 1000));
  if (seconds < 0n) throw new TlogError('out-of-range', 'A cosignature is not made before 1970.');
  const timestamp = Buffer.alloc(TIMESTAMP_BYTES);
  timestamp.writeBigUInt64BE(seconds);
  return signatureLine(cosigner, Buffer.concat([timestamp, cosigner.sign(signedText(seconds, text))]));
}

/**
 * The note with more signature lines after its own. Nothing is verified.
 * @throws TlogError 'note-malformed' when the lines are none, or one is by a key that has signed already.
 */
export function addSignatureLines(note: string, lines: string): string {
  const all = `${note}${lines}`;
  const { text, signatures } = splitNote(all);
  // Lines that hold an empty line would move the end of the text, and with it what is signed.
  if (text !== splitNote(note).text) throw new TlogError('note-malformed', 'The signature lines hold an empty line.');
  const keys = signatures.map(({ name, keyId }) => `${name} ${keyId}`);
  if (new Set(keys).size !== keys.length) throw new TlogError('note-malformed', 'The note would be signed twice by one key.');
  return all;
}

/**
 * The cosignatures of these witnesses on a checkpoint, in the note's order. Lines of unknown keys are skipped. The log's own
 * signature is `openCheckpoint`'s to verify.
 * @throws TlogError 'note-malformed'; 'signature-invalid' when a cosignature of a known key does not verify. C2SP tlog-cosignature
 */
export function verifyCosignatures(checkpointNote: string, witnesses: readonly CosignatureVerifier[]): readonly Cosignature[] {
  const { text, signatures } = splitNote(checkpointNote);
  const cosignatures: Cosignature[] = [];
  for (const { name, keyId, signature } of signatures) {
    const witness = witnesses.find((w) => w.name === name && w.keyId === keyId);
    if (witness === undefined) continue;
    if (cosignatures.some((other) => other.witness === witness)) {
      throw new TlogError('note-malformed', `The checkpoint is cosigned twice by ${name}.`);
    }
    cosignatures.push({ witness, time: timeOf(text, witness, signature) });
  }
  return cosignatures;
}

function timeOf(text: string, witness: CosignatureVerifier, signature: Uint8Array): Date {
  const bytes = Buffer.from(signature);
  const seconds = bytes.length === TIMESTAMP_BYTES + SIGNATURE_BYTES ? bytes.readBigUInt64BE() : undefined;
  if (
    seconds === undefined ||
    seconds > LAST_SECOND ||
    !verify(null, utf8(signedText(seconds, text)), keyObjectOf(witness), bytes.subarray(TIMESTAMP_BYTES))
  ) {
    throw new TlogError('signature-invalid', `The cosignature of ${witness.name} does not verify.`);
  }
  return new Date(Number(seconds) * 1000);
}

function signedText(seconds: bigint, text: string): string {
  return `cosignature/v1\ntime ${seconds}\n${text}`;
}
