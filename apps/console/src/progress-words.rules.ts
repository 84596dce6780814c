import type { UploadStatus } from './hand-in-api.js';
import type { HandedFile, Stage } from './hand-in-run.js';
import { bytesReceived, missingParts } from './parts.rules.js';

const MIB = 2 ** 20;

/** In words for people: "12.5 MiB", "830 KiB", "0 bytes". */
export function sizeInWords(bytes: number): string {
  if (bytes >= 1024 * MIB) return `${(bytes / (1024 * MIB)).toFixed(2)} GiB`;
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(1)} MiB`;
  return bytes >= 1024 ? `${Math.round(bytes / 1024)} KiB` : `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

/** Whole percent from 0 to 100, and 100 only when it is all. Nothing of nothing is all. */
export function percent(done: number, all: number): number {
  return all <= 0 || done >= all ? 100 : Math.max(0, Math.floor((100 * done) / all));
}

/** How much of an interrupted file the service has. */
export function partsInWords({
  size,
  partSize,
  partsReceived,
}: Pick<UploadStatus, 'size' | 'partSize' | 'partsReceived'>): string {
  const there = bytesReceived(size, missingParts(size, partSize, partsReceived));
  return `${sizeInWords(there)} of ${sizeInWords(size)} arrived.`;
}

type Progressing = Pick<HandedFile, 'stage' | 'bytes'> & { readonly file: { readonly name: string; readonly size: number } };

/** What is heard of a file that is being worked on: at each stage, and at each quarter of a long one rather than at each percent. */
export function progressSentence(files: readonly Progressing[], paused: boolean): string {
  const ended = files.filter(({ stage }) => WORDS[stage].ended).length;
  const sum = `${ended} of ${files.length} done.`;
  if (paused) return `Paused. ${sum}`;
  const current = files.find(({ stage }) => stage === 'hashing' || stage === 'announcing' || stage === 'sending') ?? files.at(-1);
  if (current === undefined) return sum;
  const { stage, bytes, file } = current;
  const quarter = Math.floor(percent(bytes, file.size) / 25) * 25;
  const far = stage === 'hashing' || stage === 'sending' ? `, ${quarter} percent` : '';
  return `${file.name}: ${WORDS[stage].label}${far}. ${sum}`;
}

/** What a stage is called, and whether anything more happens of itself. */
export const WORDS: Readonly<Record<Stage, { readonly label: string; readonly color: string; readonly ended: boolean }>> = {
  waiting: { label: 'Waiting', color: 'gray', ended: false },
  hashing: { label: 'Hashing', color: 'blue', ended: false },
  announcing: { label: 'Announcing', color: 'blue', ended: false },
  sending: { label: 'Sending', color: 'blue', ended: false },
  sealing: { label: 'Being checked', color: 'blue', ended: false },
  sealed: { label: 'Sealed', color: 'green', ended: true },
  quarantined: { label: 'Quarantined', color: 'red', ended: true },
  duplicate: { label: 'Here already', color: 'yellow', ended: true },
  expired: { label: 'Expired', color: 'red', ended: true },
  failed: { label: 'Not handed in', color: 'red', ended: true },
};
