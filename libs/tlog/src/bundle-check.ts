import { fromUtf8 } from './encodings.js';
import type { EntryHeader } from './entry.js';
import type { Hash } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** One thing that was checked. */
export interface BundleCheck {
  readonly name: string;
  readonly ok: boolean;
  /** File, and line where it has lines, in which the fault lies. */
  readonly where?: string;
  readonly detail: string;
}

export type Files = ReadonlyMap<string, Uint8Array>;

/** Called for everything that is wrong; a check without a fault has passed. */
export type Fault = (where: string | undefined, why: string) => void;

/** A well-formed line of entries.jsonl. */
export interface Entry {
  readonly where: string;
  readonly index: bigint;
  readonly header: EntryHeader;
  readonly leaf: Hash;
  readonly salt: Uint8Array | null;
  readonly payload: string | null;
}

/** What `run` gives; undefined, with a fault, when it throws. */
export function attempt<T>(fault: Fault, where: string | undefined, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    fault(where, error instanceof Error ? error.message : 'The check could not be made.');
    return undefined;
  }
}

/** @throws TlogError when it is missing or not UTF-8. */
export function textOf(files: Files, path: string): string {
  const bytes = files.get(path);
  if (bytes === undefined) throw new TlogError('bundle-malformed', 'The file is missing.');
  return fromUtf8(bytes);
}

/** `i` counts from 0, lines from 1. */
export function lineAt(path: string, i: number): string {
  return `${path} line ${i + 1}`;
}
