import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, rm, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import ffmpeg from 'fluent-ffmpeg';
import { eachLine } from './tool-lines.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { launcherFor } from './sandbox.js';
import type { Reach } from './sandbox.js';
import { exitCode, limitReached, notStarted, withoutPaths } from './tool-failure.js';
import type { BadEnd } from './tool-failure.js';
import { refuseIfAborted, ToolWatch } from './tool-watch.js';

/** Arguments as data: what the pure builders make and the only thing that reaches ffmpeg. */
export interface FfmpegInput {
  readonly options: readonly string[];
  /** A local path; the runner adds the `file:` prefix and the whitelists. */
  readonly file: string;
}

export interface FfmpegOutput {
  readonly options: readonly string[];
  /** A path, or a plain name or pattern of names in `cwd` (a folder above it could hold a per cent sign and spoil a pattern), or a stream that takes the bytes. A stream must not emit 'close': fluent-ffmpeg takes that for a broken pipe. */
  readonly to: string | Writable;
}

export interface FfmpegCall {
  readonly input: FfmpegInput;
  readonly outputs: readonly FfmpegOutput[];
  readonly cwd?: string;
  readonly durationMs?: number;
  readonly onProgress?: (percent: number) => void;
  /** Somebody waits for it: it does not yield to everything else on the machine. */
  readonly urgent?: boolean;
  readonly signal?: AbortSignal;
}

export interface FfprobeCall {
  readonly file: string;
  readonly options: readonly string[];
  /** Lines of standard output as they come, so that a report of any length needs constant memory. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Demuxers for what cameras write. Every other one stays shut, above all those that open further files by themselves (hls, dash, concat,
 * image2): a playlist renamed .mp4 made ffmpeg 5.1 read another local file.
 */
const DEMUXERS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf';
const GUARDS = ['-format_whitelist', DEMUXERS, '-protocol_whitelist', 'file,pipe'] as const;

const KEPT_ERROR_LINES = 40;
const PROGRESS_LINE =
  /^(frame|fps|stream_\d+_\d+_\w+|bitrate|total_size|out_time(_us|_ms)?|dup_frames|drop_frames|speed|progress)=/;

/**
 * Runs ffmpeg through fluent-ffmpeg, which is unmaintained: it only carries our argument lists and spawns. Its search for programs, its
 * capability checks (they break on ffmpeg 7) and its own probing for progress are all switched off on the instance.
 *
 * In the sandbox ffmpeg sees the input, `cwd` and the outputs given as paths, and nothing else of the file system: what a filter opens by
 * name (a mask) belongs into `cwd`.
 *
 * @throws MediaError `time-limit`, `aborted`, `over-limit`, `not-isolated`, `failed`; the process has exited in every case
 */
export async function runFfmpeg(tools: MediaTools, call: FfmpegCall): Promise<void> {
  refuseIfAborted(call.signal);
  const claimed = await claimOutputs(call);
  try {
    await ffmpegWithin(tools, call, {
      reads: [resolve(call.input.file)],
      writes: claimed,
      ...(call.cwd === undefined ? {} : { cwd: resolve(call.cwd) }),
    });
  } finally {
    await Promise.all(claimed.map(removeIfEmpty));
  }
}

async function ffmpegWithin(tools: MediaTools, call: FfmpegCall, reach: Reach): Promise<void> {
  const launcher = await launcherFor(tools, tools.ffmpeg, reach, call.urgent !== true);
  refuseIfAborted(call.signal);
  const command = ffmpeg({ stdoutLines: KEPT_ERROR_LINES, ...(call.cwd === undefined ? {} : { cwd: call.cwd }) });
  Object.assign(command, {
    _getFfmpegPath: (done: (error: null, path: string) => void) => done(null, launcher.program),
    _checkCapabilities: (done: (error: null) => void) => done(null),
    availableEncoders: (done: (error: null, encoders: object) => void) => done(null, {}),
  });
  // The launcher's own words come first on the command line, and the first input's options are what fluent-ffmpeg puts first.
  const leading = [
    ...launcher.arguments,
    '-nostdin',
    '-hide_banner',
    '-loglevel',
    'error',
    '-nostats',
    '-progress',
    'pipe:2',
    '-y',
  ];
  command.input(fileUrl(call.input.file));
  // Spread, never an array: fluent-ffmpeg splits the members of an array at their spaces.
  command.inputOptions(...([...leading, ...GUARDS, ...call.input.options] as [string, ...string[]]));
  for (const output of call.outputs) {
    if (typeof output.to === 'string') command.output(`file:${call.cwd === undefined ? resolve(output.to) : output.to}`);
    else command.output(output.to);
    command.outputOptions(...(output.options as [string, ...string[]]));
  }

  const watch = new ToolWatch(tools, call.signal);
  const errors: string[] = [];
  const report = progressReporter(call);
  let child: ChildProcess | undefined;
  try {
    await new Promise<void>((done, failed) => {
      command.on('stderr', (line: string) => {
        if (PROGRESS_LINE.test(line)) report(line);
        else if (line.trim() !== '') keep(errors, line);
      });
      command.on('start', () => {
        child = (command as typeof command & { ffmpegProc: ChildProcess }).ffmpegProc;
        watch.follow(child);
      });
      command.on('end', () => done());
      command.on('error', (error: Error) => failed(error));
      command.run();
    });
    // fluent-ffmpeg reports the end of the process, when a stream may still have bytes to take.
    for (const { to } of call.outputs) if (typeof to !== 'string') await finished(to);
  } catch (error) {
    const code = exitCode(child?.exitCode ?? null, child?.signalCode ?? null);
    throw watch.verdict() ?? failure(tools, call, { code, errors }, error);
  } finally {
    watch.end();
  }
  const verdict = watch.verdict();
  if (verdict !== undefined) throw verdict;
  if (call.onProgress !== undefined) call.onProgress(100);
}

/**
 * Runs ffprobe. Not through fluent-ffmpeg: its ffprobe can be neither stopped nor limited and keeps the whole report in memory.
 *
 * @returns what ffprobe said on standard error, one entry a line
 * @throws MediaError `time-limit`, `aborted`, `over-limit`, `not-isolated`, `unreadable` (ffprobe did not accept the file)
 */
export async function runFfprobe(tools: MediaTools, call: FfprobeCall): Promise<readonly string[]> {
  const options = ['-hide_banner', '-loglevel', 'error', ...GUARDS, ...call.options, '-i', fileUrl(call.file)];
  const ran = await spawnTool(tools, 'ffprobe', options, call.onLine, [resolve(call.file)], call.signal);
  if (ran.code === 0) return ran.errors;
  const reached = limitReached(tools, 'ffprobe', ran);
  if (reached !== undefined) throw reached;
  const cut = ran.errors.some((line) => line.includes('moov atom not found'));
  const why = cut
    ? 'Its index is missing: the file was probably cut off.'
    : 'It is not in a format that cameras write, or it is damaged.';
  throw new MediaError('unreadable', `The file cannot be read as a video. ${why}`, { cause: ran.errors.join('\n') });
}

/** The first line of `<tool> -version`. @throws MediaError `failed` when the tool cannot be started, `not-isolated` */
export async function runVersion(tools: MediaTools, tool: 'ffmpeg' | 'ffprobe'): Promise<string> {
  const lines: string[] = [];
  const ran = await spawnTool(tools, tool, ['-version'], (line) => void keep(lines, line), []);
  const first = lines[0];
  if (ran.code !== 0 || first === undefined) throw notStarted(tool, ran.errors);
  return first;
}

async function spawnTool(
  tools: MediaTools,
  tool: 'ffmpeg' | 'ffprobe',
  options: readonly string[],
  onLine: (line: string) => void,
  reads: readonly string[],
  signal?: AbortSignal,
): Promise<BadEnd> {
  const launcher = await launcherFor(tools, tools[tool], { reads, writes: [] });
  refuseIfAborted(signal);
  const watch = new ToolWatch(tools, signal);
  const errors: string[] = [];
  try {
    const child = spawn(launcher.program, [...launcher.arguments, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    watch.follow(child);
    eachLine(child.stdout, onLine);
    eachLine(child.stderr, (line) => keep(errors, line));
    const code = await new Promise<number>((done, failed) => {
      child.on('error', failed);
      child.on('close', (code, by) => done(exitCode(code, by)));
    });
    const verdict = watch.verdict();
    if (verdict !== undefined) throw verdict;
    return { code, errors };
  } finally {
    watch.end();
  }
}

function fileUrl(path: string): string {
  return `file:${resolve(path)}`;
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > KEPT_ERROR_LINES) lines.shift();
}

function progressReporter(call: FfmpegCall): (line: string) => void {
  let reached = 0;
  return (line) => {
    if (call.onProgress === undefined || !call.durationMs || !line.startsWith('out_time_us=')) return;
    const percent = Math.min(99, Math.floor(Number(line.slice('out_time_us='.length)) / 10 / call.durationMs));
    // "N/A" until the first frame is out, and never backwards: several outputs report in turn.
    if (!(percent > reached)) return;
    reached = percent;
    call.onProgress(percent);
  };
}

/**
 * The outputs that lie outside the working folder, made as empty files: only what is there can be shown in the sandbox, and of the folder
 * around it nothing else is. One that cannot be made ffmpeg complains of in its own words.
 */
async function claimOutputs(call: FfmpegCall): Promise<string[]> {
  const within = call.cwd === undefined ? undefined : resolve(call.cwd) + sep;
  const paths = call.outputs
    .flatMap(({ to }) => (typeof to === 'string' ? [resolve(call.cwd ?? '.', to)] : []))
    .filter((path) => within === undefined || !path.startsWith(within));
  const claimed = await Promise.all(
    paths.map(async (path) => {
      const file = await open(path, 'a').catch(() => undefined);
      await file?.close();
      return file === undefined ? [] : [path];
    }),
  );
  return claimed.flat();
}

async function removeIfEmpty(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && found.size === 0) await rm(path, { force: true });
}

function failure(tools: MediaTools, call: FfmpegCall, ended: BadEnd, error: unknown): MediaError {
  const reached = limitReached(tools, 'ffmpeg', ended);
  if (reached !== undefined) return reached;
  const outputs = call.outputs.flatMap(({ to }) => (typeof to === 'string' ? [to] : []));
  const paths = [call.input.file, ...outputs, call.cwd ?? tools.scratch, tools.scratch].map((path) => resolve(path));
  const last = ended.errors.at(-1) ?? (error instanceof Error ? error.message : '');
  return new MediaError('failed', `ffmpeg could not finish the work on the video: ${withoutPaths(last, paths)}.`, {
    cause: ended.errors.join('\n'),
  });
}
