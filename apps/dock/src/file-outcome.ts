import type { Problem } from './dock-faults.js';
import type { JournalEntry } from './journal-entry.js';

/** How one file ended. */
export interface FileOutcome {
  readonly file: string;
  readonly size: number;
  /** Empty when it could not be hashed. */
  readonly sha256: string;
  readonly state: 'sealed' | 'quarantined' | 'duplicate' | 'failed' | 'unreachable';
  readonly recording?: string;
  /** Path of the verified receipt. */
  readonly receipt?: string;
  /** Index of the sealing in the custody log, decimal. */
  readonly logIndex?: string;
  readonly sealedAt?: string;
  /** Deleted here, under its verified receipt. */
  readonly erased?: true;
  /** The recording that holds the same bytes already. */
  readonly duplicateOf?: string;
  /** Why it is not sealed, or why it was sealed and not erased, for a person. */
  readonly reason?: string;
  /** The server's problem document, where it sent one. */
  readonly problem?: Problem;
}

const ENDS: Partial<Record<JournalEntry['state'], FileOutcome['state']>> = {
  sealed: 'sealed',
  erased: 'sealed',
  quarantined: 'quarantined',
  duplicate: 'duplicate',
  stopped: 'failed',
  paused: 'failed',
  changed: 'failed',
};

export function outcomeOf(entry: JournalEntry, problem?: Problem): FileOutcome {
  const { path, size, file, state, recording, receipt, logIndex, sealedAt, duplicateOf, trouble } = entry;
  return {
    file: path,
    size,
    sha256: file?.sha256 ?? '',
    state: ENDS[state] ?? 'unreachable',
    ...(recording === undefined ? {} : { recording }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(logIndex === undefined ? {} : { logIndex }),
    ...(sealedAt === undefined ? {} : { sealedAt }),
    ...(state === 'erased' ? { erased: true } : {}),
    ...(duplicateOf === undefined ? {} : { duplicateOf }),
    ...(trouble === undefined ? {} : { reason: trouble }),
    ...(problem === undefined ? {} : { problem }),
  };
}

export function sentenceFor({ file, state, recording, receipt, erased, duplicateOf, reason = '' }: FileOutcome): string {
  switch (state) {
    case 'sealed': {
      const sealed = `${file}: sealed as recording ${String(recording)}, receipt verified and kept at ${String(receipt)}`;
      return erased === true ? `${sealed}, erased here` : reason === '' ? sealed : `${sealed}; ${reason}`;
    }
    case 'quarantined':
      return `${file}: quarantined as recording ${String(recording)}: ${reason}`;
    case 'duplicate':
      return `${file}: refused, held already${duplicateOf === undefined ? '' : ` as recording ${duplicateOf}`}: ${reason}`;
    case 'failed':
      return `${file}: failed, kept here: ${reason}`;
    case 'unreachable':
      return `${file}: not finished, run the same command again later: ${reason}`;
  }
}
