import type { Entry } from './bundle-check.js';
import { parseCanonical, type Json } from './canonical-json.js';
import { base64 } from './encodings.js';
import { payloadCommitment } from './entry.js';

/** An entry whose payload and salt were destroyed, and the entry that says so. */
export interface ErasedPayload {
  /** UUID of the entry. */
  readonly entry: string;
  readonly type: string;
  /** UUID of the 'payload.erased' entry. */
  readonly by: string;
  /** When: the time of that entry. */
  readonly at: string;
}

/** A 'payload.erased' entry whose own payload is there. */
export interface Erasure extends Entry {
  /** UUIDs of the entries that it names. */
  readonly erased: ReadonlySet<string>;
}

const ERASURE_TYPE = 'payload.erased';

/** What these entries say was erased; an erasure that was itself erased, or whose payload is not its own, says nothing. */
export function erasuresOf(entries: readonly Entry[]): Erasure[] {
  return entries
    .filter((entry) => entry.header.type === ERASURE_TYPE && isCommitted(entry))
    .map((entry) => ({ ...entry, erased: new Set(namedIn(entry.payload)) }));
}

/** Only a later entry of the same chain speaks for it. */
export function isErased(entry: Entry, erasure: Erasure): boolean {
  return erasure.header.subject === entry.header.subject && erasure.index > entry.index && erasure.erased.has(entry.header.id);
}

/** Whether the payload is there and the one that the header commits to. */
export function isCommitted({ header, salt, payload }: Entry): boolean {
  if (salt === null || payload === null) return false;
  try {
    return base64(payloadCommitment(salt, payload)) === header.pc;
  } catch {
    return false;
  }
}

/** The ids in { event: { entries: […] } }. */
function namedIn(payload: string | null): readonly string[] {
  const event = member(payload === null ? null : parseCanonical(payload), 'event');
  const named = member(event, 'entries');
  return Array.isArray(named) ? named.filter((id): id is string => typeof id === 'string') : [];
}

function member(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as { readonly [key: string]: Json })[key]
    : undefined;
}
