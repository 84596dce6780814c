import type { Attribution, CustodyEvent, EntryPayload, LoggedEntry } from '#custody';
import {
  decodeHeader,
  leafHash,
  payloadCommitment,
  TlogError,
  verifyInclusion,
  type Checkpoint,
  type EntryHeader,
  type Hash,
} from '#tlog';
import { LogInconsistent } from './log-inconsistent.js';

/** One entry of a subject chain, read from the bytes that were hashed and not from the columns beside them. */
export interface ChainEntry {
  readonly index: bigint;
  readonly header: EntryHeader;
  readonly leaf: Hash;
  readonly who: Attribution;
  readonly event: CustodyEvent;
}

/** The part of a stored entry that is evidence. */
export type StoredEntry = Pick<LoggedEntry, 'index' | 'header' | 'leaf' | 'salt' | 'payload'>;

/**
 * Reads a subject's chain from its first entry on, and checks that every leaf is the hash of its header, every payload the one that its
 * header commits to, and every entry the successor of the one before. @throws LogInconsistent naming the first entry that is not
 */
export function readChain(subject: string, log: string, stored: readonly StoredEntry[]): ChainEntry[] {
  const chain: ChainEntry[] = [];
  for (const entry of stored) {
    const read = readEntry(entry);
    const { header } = read;
    const before = chain.at(-1);
    const fault = (why: string): never => {
      throw new LogInconsistent('chains', `Entry ${entry.index} ${why}`);
    };
    if (header.subject !== subject || header.log !== log) fault('is about something else.');
    if (header.seq !== chain.length) fault(`is number ${header.seq} where number ${chain.length} should be.`);
    if (header.prev !== (before === undefined ? null : base64(before.leaf))) fault('does not point to the one before it.');
    chain.push(read);
  }
  return chain;
}

/** `proofs[i]` proves `chain[i]` under the checkpoint. @throws LogInconsistent */
export function checkInclusion(
  chain: readonly ChainEntry[],
  proofs: readonly (readonly Hash[])[],
  { size, root }: Checkpoint,
): void {
  chain.forEach(({ index, leaf }, i) => {
    try {
      verifyInclusion({ index, size, leaf, proof: proofs[i] ?? [], root });
    } catch (error) {
      if (error instanceof TlogError) throw new LogInconsistent('inclusion', `Entry ${index} is not what was signed.`);
      throw error;
    }
  });
}

function readEntry(stored: StoredEntry): ChainEntry {
  const { index, salt, payload } = stored;
  const bytes = new TextEncoder().encode(stored.header);
  const leaf = leafHash(bytes);
  if (!stored.leaf.equals(leaf))
    throw new LogInconsistent('entries', `Entry ${index} does not have the hash that is stored with it.`);
  try {
    const header = decodeHeader(bytes);
    if (base64(payloadCommitment(salt, payload)) !== header.pc)
      throw new LogInconsistent('payloads', `The payload of entry ${index} is not the one that the entry commits to.`);
    const { who, event } = JSON.parse(payload) as EntryPayload;
    const { type, sha256 } = header;
    return { index, header, leaf, who, event: { type, ...event, ...(sha256 === undefined ? {} : { sha256 }) } as CustodyEvent };
  } catch (error) {
    if (error instanceof TlogError) throw new LogInconsistent('entries', `Entry ${index} cannot be read.`);
    throw error;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
