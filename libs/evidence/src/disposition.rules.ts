import type { Recording } from './recording.entity.js';

/**
 * Why a recording must not be disposed of, as a sentence; undefined when nothing here speaks against it. Whatever destroys a recording asks
 * this inside its transaction, about the row that it has locked: a fixity check may fail at the same moment.
 */
export function whyNotDisposable(recording: Pick<Recording, 'state' | 'fixityFailedAt'>): string | undefined {
  if (recording.fixityFailedAt !== null)
    return `Its stored version failed a fixity check on ${recording.fixityFailedAt.toISOString()}: what is left of it is evidence of that.`;
  if (recording.state === 'receiving' || recording.state === 'sealing') return `It is ${recording.state}, and not settled yet.`;
  return undefined;
}
