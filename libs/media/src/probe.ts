import { stat } from 'node:fs/promises';
import { readPackets } from './completeness.js';
import { runFfprobe } from './ffmpeg-runner.js';
import { readReport, REPORT_OPTIONS } from './ffprobe-report.js';
import type { FfprobeReport, Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';

/**
 * What is in a file. Reads the container and as much of the streams as their headers need; says nothing of whether the rest is there.
 *
 * @throws MediaError `unreadable` (also for an empty file), `no-video`, `time-limit`, `aborted`
 */
export async function probe(tools: MediaTools, file: string, signal?: AbortSignal): Promise<Probe> {
  const found = readReport(await report(tools, file, signal));
  if (found === null) throw new MediaError('no-video', 'The file can be read, but there is no video in it.');
  const durationMs = found.durationMs ?? (await readPackets(tools, file, signal)).endMs;
  if (durationMs <= 0) throw new MediaError('unreadable', 'The file cannot be read as a video. It has a header but no pictures.');
  return { ...found, durationMs };
}

/** ffprobe's own report, for those who need more than a Probe. Same errors as `probe`. */
export async function report(tools: MediaTools, file: string, signal?: AbortSignal): Promise<FfprobeReport> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new MediaError('unreadable', 'The file cannot be opened.', { cause });
  });
  if (size === 0) throw new MediaError('unreadable', 'The file is empty.');
  const lines: string[] = [];
  const call = { file, options: REPORT_OPTIONS, onLine: (line: string) => void lines.push(line) };
  await runFfprobe(tools, signal === undefined ? call : { ...call, signal });
  return JSON.parse(lines.join('\n')) as FfprobeReport;
}
