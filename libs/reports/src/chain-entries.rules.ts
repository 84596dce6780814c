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

/** What stays of every entry. */
interface PlacedEntry {
  readonly index: bigint;
  readonly header: EntryHeader;
  readonly leaf: Hash;
}

/** An entry whose payload is there. */
export interface ToldEntry extends PlacedEntry {
  readonly who: Attribution;
  readonly event: CustodyEvent;
  readonly erased: null;
}

/** An entry whose payload was destroyed, and which later entry of the chain says so. */
export interface ErasedEntry extends PlacedEntry {
  readonly who: null;
  readonly event: null;
  readonly erased: { readonly index: bigint; readonly at: string };
}

/** One entry of a subject chain, read from the bytes that were hashed and not from the columns beside them. */
export type ChainEntry = ToldEntry | ErasedEntry;

/** The part of a stored entry that is evidence. */
export type StoredEntry = Pick<LoggedEntry, 'index' | 'header' | 'leaf' | 'salt' | 'payload'>;

/**
 * Reads a subject's chain from its first entry on, and checks that every leaf is the hash of its header, every payload the one that its
 * header commits to or erased as a later entry says, and every entry the successor of the one before.
 * @throws LogInconsistent naming an entry that is not
 */
export function readChain(subject: string, log: string, stored: readonly StoredEntry[]): ChainEntry[] {
  const placed = stored.map(readPlaced);
  placed.forEach(({ index, header }, i) => {
    const before = placed[i - 1];
    const fault = (why: string): never => {
      throw new LogInconsistent('chains', `Entry ${index} ${why}`);
    };
    if (header.subject !== subject || header.log !== log) fault('is about something else.');
    if (header.seq !== i) fault(`is number ${header.seq} where number ${i} should be.`);
    if (header.prev !== (before === undefined ? null : base64(before.leaf))) fault('does not point to the one before it.');
  });
  const told = placed.map((entry, i) => readTold(entry, stored[i] as StoredEntry));
  const erasures = erasuresIn(told);
  return told.map((entry, i) => entry ?? erasedEntry(placed[i] as PlacedEntry, erasures));
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

function readPlaced({ index, header, leaf: stored }: StoredEntry): PlacedEntry {
  const bytes = new TextEncoder().encode(header);
  const leaf = leafHash(bytes);
  if (!stored.equals(leaf)) throw new LogInconsistent('entries', `Entry ${index} does not have the hash that is stored with it.`);
  try {
    return { index, header: decodeHeader(bytes), leaf };
  } catch (error) {
    if (error instanceof TlogError) throw new LogInconsistent('entries', `Entry ${index} cannot be read.`);
    throw error;
  }
}

/** Undefined when there is neither payload nor salt. */
function readTold(placed: PlacedEntry, { salt, payload }: StoredEntry): ToldEntry | undefined {
  if (salt === null || payload === null) return undefined;
  const { type, sha256, pc } = placed.header;
  if (commitmentTo(salt, payload) !== pc)
    throw new LogInconsistent('payloads', `The payload of entry ${placed.index} is not the one that the entry commits to.`);
  const { who, event } = JSON.parse(payload) as EntryPayload;
  return {
    ...placed,
    who,
    event: { type, ...event, ...(sha256 === undefined ? {} : { sha256 }) } as CustodyEvent,
    erased: null,
  };
}

/** What a text that is not even canonical JSON commits to is nothing: undefined. */
function commitmentTo(salt: Uint8Array, payload: string): string | undefined {
  try {
    return base64(payloadCommitment(salt, payload));
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

/** By the id of the entry that was erased, the last entry that names it. */
function erasuresIn(told: readonly (ToldEntry | undefined)[]): ReadonlyMap<string, PlacedEntry> {
  return new Map(
    told.flatMap((entry) =>
      entry?.event.type === 'payload.erased' ? entry.event.entries.map((id) => [id, entry] as const) : [],
    ),
  );
}

function erasedEntry(placed: PlacedEntry, erasures: ReadonlyMap<string, PlacedEntry>): ErasedEntry {
  const erasure = erasures.get(placed.header.id);
  if (erasure === undefined || erasure.index <= placed.index)
    throw new LogInconsistent(
      'payloads',
      `The payload of entry ${placed.index} is missing, and no later entry says that it was erased.`,
    );
  return { ...placed, who: null, event: null, erased: { index: erasure.index, at: erasure.header.at } };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
