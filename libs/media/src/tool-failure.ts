import { constants } from 'node:os';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { DEFAULT_FILE_BYTES, DEFAULT_MEMORY_BYTES } from './sandbox.js';

/** How a tool ended that did not end well. */
export interface BadEnd {
  /** As a shell tells it: 128 and the signal's number for one that a signal ended. */
  readonly code: number;
  /** Its last lines on standard error. */
  readonly errors: readonly string[];
}

/** `ld.so`, the allocators of ffmpeg and x264, and C++'s, each in its own words; an encoder, whose parameters are ours, can lack nothing else. */
const NO_MEMORY =
  /cannot allocate memory|malloc of size \d+ failed|failed to map segment|out of memory|bad_alloc|while opening encoder/i;
const MIB = 2 ** 20;

/** Pure: shells, and bubblewrap, which hands on what ended the tool, count signals from 128. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** What ended the tool where that was neither the file's format nor anything in it. */
export function limitReached(tools: MediaTools, tool: string, { code, errors }: BadEnd): MediaError | undefined {
  const cause = errors.join('\n');
  const sandbox = errors.find((line) => line.startsWith('bwrap: '));
  if (sandbox?.startsWith('bwrap: execvp') || ((code === 126 || code === 127) && !NO_MEMORY.test(cause)))
    return notStarted(tool, errors);
  if (sandbox !== undefined) return new MediaError('failed', `The sandbox for ${tool} could not be set up.`, { cause });
  if (code === 128 + constants.signals.SIGXFSZ || errors.some((line) => /file too large/i.test(line))) {
    const most = Math.round((tools.fileBytes ?? DEFAULT_FILE_BYTES) / MIB);
    return new MediaError('over-limit', `The work on the video would write a file larger than the ${most} MiB allowed.`, {
      cause,
    });
  }
  // Not by us. That says something of the machine and nothing of the file, which is worth another try.
  if (code === 128 + constants.signals.SIGKILL)
    return new MediaError('failed', `${tool} was killed by the system, as happens when the machine runs out of memory.`, {
      cause,
    });
  if (NO_MEMORY.test(cause)) {
    const most = Math.round((tools.memoryBytes ?? DEFAULT_MEMORY_BYTES) / MIB);
    return new MediaError('over-limit', `The work on the video needs more memory than the ${most} MiB allowed.`, { cause });
  }
  return undefined;
}

export function notStarted(tool: string, errors: readonly string[]): MediaError {
  return new MediaError('failed', `${tool} is not installed where it is configured to be, or it cannot be started.`, {
    cause: errors.join('\n'),
  });
}

/** What a person is shown must not tell where files lie on the server. */
export function withoutPaths(line: string, paths: readonly string[]): string {
  let clean = line;
  // Longest first, so that a folder does not take the beginning of its file's name away.
  for (const path of [...paths].sort((a, b) => b.length - a.length))
    clean = clean.replaceAll(`file:${path}`, 'the file').replaceAll(path, 'the file');
  return clean
    .replace(/\[[^\]]*@ 0x[0-9a-f]+\] */g, '')
    .replace(/(?<![^\s'"(])(file:)?(\/[^\s:'",]+)+/g, 'the file')
    .trim()
    .replace(/\.$/, '');
}
