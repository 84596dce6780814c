import { base64, fromBase64, fromDecimal } from './encodings.js';
import type { Hash } from './merkle.js';
import { isKeyName } from './note-key.js';
import { openNote, signNote, type NoteSigner, type NoteVerifier } from './note.js';
import { TlogError } from './tlog-error.js';

/** A log's statement of its size and root. C2SP tlog-checkpoint */
export interface Checkpoint {
  /** The log's name, which is also the name of the key that signs. */
  readonly origin: string;
  readonly size: bigint;
  readonly root: Hash;
}

/** The note text: origin, decimal size, base64 root, each on a line. @throws TlogError */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  const text = `${origin}\n${size}\n${base64(root)}\n`;
  parseCheckpoint(text);
  return text;
}

/** Reads exactly what `formatCheckpoint` writes; extension lines are refused, our logs have none. @throws TlogError */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  const [origin = '', size = '', root = '', end] = lines;
  if (end !== '' || lines.length > 4) {
    throw new TlogError('checkpoint-malformed', 'A checkpoint has three lines: origin, size and root.');
  }
  if (!isKeyName(origin)) throw new TlogError('checkpoint-malformed', 'The origin is empty or holds a space or a plus.');
  return { origin, size: fromDecimal(size), root: fromBase64(root, 32) };
}

/** @throws TlogError unless the signer is named like the origin. */
export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  if (signer.name !== checkpoint.origin) {
    throw new TlogError('checkpoint-malformed', `The key ${signer.name} may not sign for the log ${checkpoint.origin}.`);
  }
  return signNote(formatCheckpoint(checkpoint), signer);
}

/** @throws TlogError unless a key among `verifiers` that is named like the origin signed it, and all known signatures verify. */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint & { note: string } {
  const { text, signers } = openNote(note, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (!signers.some(({ name }) => name === checkpoint.origin)) {
    throw new TlogError('note-unsigned', `The checkpoint is not signed by a key of the log ${checkpoint.origin}.`);
  }
  return { ...checkpoint, note };
}
