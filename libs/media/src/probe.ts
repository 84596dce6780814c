import { stat } from 'node:fs/promises';
import { readPackets } from './completeness.js';
import { runFfprobe } from './ffmpeg-runner.js';
import { readReport, REPORT_OPTIONS, videoStream } from './ffprobe-report.js';
import type { FfprobeReport, Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import { beyondLimits } from './media-limits.rules.js';
import type { MediaTools } from './media-tools.js';
import { lookAtBeginning } from './probe-beginning.js';

/** Characters of ffprobe's report. A file with a million chapters is no recording. */
const LONGEST_REPORT = 8 << 20;

/**
 * What is in a file: all tracks by their headers, and whether picture and sound can be decoded, by decoding their beginning. Says nothing of
 * whether the rest is there. A picture that cannot be decoded is no error: then `problem` says why.
 *
 * @throws MediaError `unreadable` (also for an empty file), `no-video`, `over-limit`, `time-limit`, `aborted`
 */
export async function probe(tools: MediaTools, file: string, signal?: AbortSignal): Promise<Probe> {
  const described = await report(tools, file, signal);
  const excess = beyondLimits(described);
  if (excess !== undefined) throw new MediaError('over-limit', excess);
  if (readReport(described) === null) throw new MediaError('no-video', noPicture(described));
  const found = readReport(described, await lookAtBeginning(tools, file, described, signal));
  if (found === null) throw new MediaError('no-video', noPicture(described));
  const durationMs = found.durationMs ?? (await readPackets(tools, file, signal)).endMs;
  if (durationMs <= 0) throw new MediaError('unreadable', 'The file cannot be read as a video. It has a header but no pictures.');
  return { ...found, durationMs };
}

function noPicture(described: FfprobeReport): string {
  return videoStream(described) === undefined
    ? 'The file can be read, but there is no video in it.'
    : 'The file can be read, but its video track does not say how large its pictures are, so there is nothing to show.';
}

/** ffprobe's own report, for those who need more than a Probe. Same errors as `probe`. */
export async function report(tools: MediaTools, file: string, signal?: AbortSignal): Promise<FfprobeReport> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new MediaError('unreadable', 'The file cannot be opened.', { cause });
  });
  if (size === 0) throw new MediaError('unreadable', 'The file is empty.');
  const lines: string[] = [];
  const tooLong = new AbortController();
  let length = 0;
  const onLine = (line: string): void => {
    length += line.length;
    if (length > LONGEST_REPORT) tooLong.abort();
    else lines.push(line);
  };
  const both = signal === undefined ? tooLong.signal : AbortSignal.any([signal, tooLong.signal]);
  await runFfprobe(tools, { file, options: REPORT_OPTIONS, onLine, signal: both }).catch((error: unknown) => {
    throw tooLong.signal.aborted && signal?.aborted !== true ? tooMuch() : error;
  });
  if (length > LONGEST_REPORT) throw tooMuch();
  return JSON.parse(lines.join('\n')) as FfprobeReport;
}

function tooMuch(): MediaError {
  return new MediaError(
    'over-limit',
    'The file describes itself at more length than any recording needs, so it was not read to the end.',
  );
}
