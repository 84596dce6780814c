import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import ffmpeg from 'fluent-ffmpeg';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';

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

const PROGRAM_FOLDERS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';
const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3;
const DEFAULT_TIME_LIMIT_SECONDS = 3600;
const KEPT_ERROR_LINES = 40;
const PROGRESS_LINE =
  /^(frame|fps|stream_\d+_\d+_\w+|bitrate|total_size|out_time(_us|_ms)?|dup_frames|drop_frames|speed|progress)=/;

/**
 * Runs ffmpeg through fluent-ffmpeg, which is unmaintained: it only carries our argument lists and spawns. Its search for programs, its
 * capability checks (they break on ffmpeg 7) and its own probing for progress are all switched off on the instance.
 *
 * @throws MediaError `time-limit`, `aborted`, `failed`; the process has exited in every case
 */
export async function runFfmpeg(tools: MediaTools, call: FfmpegCall): Promise<void> {
  const launcher = await launcherFor(tools, BEHIND_ALL_OTHERS);
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
    tools.ffmpeg,
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
    if (typeof output.to === 'string') command.output(`file:${output.to}`);
    else command.output(output.to);
    command.outputOptions(...(output.options as [string, ...string[]]));
  }

  const watch = new Watch(tools, call.signal);
  const errors: string[] = [];
  const report = progressReporter(call);
  try {
    await new Promise<void>((done, failed) => {
      command.on('stderr', (line: string) => {
        if (PROGRESS_LINE.test(line)) report(line);
        else if (line.trim() !== '') keep(errors, line);
      });
      command.on('start', () => watch.follow((command as typeof command & { ffmpegProc: ChildProcess }).ffmpegProc));
      command.on('end', () => done());
      command.on('error', (error: Error) => failed(error));
      command.run();
    });
    // fluent-ffmpeg reports the end of the process, when a stream may still have bytes to take.
    for (const { to } of call.outputs) if (typeof to !== 'string') await finished(to);
  } catch (error) {
    throw watch.verdict() ?? failure('ffmpeg', errors, error, pathsOf(tools, call));
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
 * @throws MediaError `time-limit`, `aborted`, `unreadable` (ffprobe did not accept the file)
 */
export async function runFfprobe(tools: MediaTools, call: FfprobeCall): Promise<readonly string[]> {
  const options = ['-hide_banner', '-loglevel', 'error', ...GUARDS, ...call.options, '-i', fileUrl(call.file)];
  const ran = await spawnTool(tools, tools.ffprobe, options, call.onLine, call.signal);
  if (ran.code === 0) return ran.errors;
  if (ran.code === 126 || ran.code === 127) throw notStarted('ffprobe', ran.errors);
  const cut = ran.errors.some((line) => line.includes('moov atom not found'));
  const why = cut
    ? 'Its index is missing: the file was probably cut off.'
    : 'It is not in a format that cameras write, or it is damaged.';
  throw new MediaError('unreadable', `The file cannot be read as a video. ${why}`, { cause: ran.errors.join('\n') });
}

/** The first line of `<tool> -version`. @throws MediaError `failed` when the tool cannot be started */
export async function runVersion(tools: MediaTools, tool: 'ffmpeg' | 'ffprobe'): Promise<string> {
  const lines: string[] = [];
  const ran = await spawnTool(tools, tools[tool], ['-version'], (line) => void keep(lines, line));
  const first = lines[0];
  if (ran.code !== 0 || first === undefined) throw notStarted(tool, ran.errors);
  return first;
}

async function spawnTool(
  tools: MediaTools,
  program: string,
  options: readonly string[],
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<{ code: number; errors: readonly string[] }> {
  const launcher = await launcherFor(tools);
  refuseIfAborted(signal);
  const watch = new Watch(tools, signal);
  const errors: string[] = [];
  try {
    const child = spawn(launcher.program, [...launcher.arguments, program, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    watch.follow(child);
    createInterface({ input: child.stdout }).on('line', onLine);
    createInterface({ input: child.stderr }).on('line', (line) => keep(errors, line));
    const code = await new Promise<number>((done, failed) => {
      child.on('error', failed);
      child.on('close', (exit) => done(exit ?? -1));
    });
    const verdict = watch.verdict();
    if (verdict !== undefined) throw verdict;
    return { code, errors };
  } finally {
    watch.end();
  }
}

/** Kills one tool's process group on abort or when its time is up, and remembers which it was. */
class Watch {
  private child: ChildProcess | undefined;
  private reason: 'aborted' | 'time-limit' | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly seconds: number;
  private readonly onAbort = (): void => this.stop('aborted');

  constructor(
    tools: MediaTools,
    private readonly signal?: AbortSignal,
  ) {
    this.seconds = tools.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS;
    this.timer = setTimeout(() => this.stop('time-limit'), this.seconds * 1000);
    signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  follow(child: ChildProcess): void {
    this.child = child;
    if (this.reason !== undefined) this.kill();
  }

  verdict(): MediaError | undefined {
    switch (this.reason) {
      case undefined:
        return undefined;
      case 'aborted':
        return new MediaError('aborted', 'The work on the video was stopped.', { cause: this.signal?.reason });
      case 'time-limit':
        return new MediaError(
          'time-limit',
          `The work on the video took longer than the ${this.seconds} s allowed and was stopped.`,
        );
    }
  }

  end(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
  }

  private stop(reason: 'aborted' | 'time-limit'): void {
    this.reason ??= reason;
    this.kill();
  }

  private kill(): void {
    const pid = this.child?.pid;
    if (pid === undefined || this.child?.exitCode !== null || this.child.signalCode !== null) return;
    // The launcher made the tool the leader of its own group, unless it has not come that far yet or setsid is missing: then the child alone.
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL');
    }
  }
}

/**
 * Encoding can wait: files that were docked are sealed first. Linux may weigh sessions against each other before it looks at what is nice
 * within one, and ours is a session of its own: so that is told too, where there is such a thing. sched(7), "The autogroup feature"
 */
const BEHIND_ALL_OTHERS = ['sh', '-c', '{ echo 19 > /proc/self/autogroup; } 2> /dev/null; exec nice -n 19 "$@"', 'sh'] as const;

interface Launcher {
  readonly program: string;
  readonly arguments: readonly string[];
}

/**
 * The words before the tool. Each program replaces itself with the next one (exec), so the process id stays that of the child Node knows:
 * `env -i` hides our environment and its secrets, `setsid` makes a group that can be killed whole, `setpriv --pdeathsig` takes the tool
 * down when this process dies without a chance to clean up, `prlimit` bounds memory and CPU. What the system lacks is left out.
 */
async function launcherFor(tools: MediaTools, yielding: readonly string[] = []): Promise<Launcher> {
  const base = ['-i', `PATH=${PROGRAM_FOLDERS}`, 'LC_ALL=C.UTF-8', `TMPDIR=${resolve(tools.scratch)}`];
  wrappers ??= Promise.all([
    available(['setsid', 'true']),
    available(['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', 'true']),
    available(['prlimit', '--core=0', 'true']),
    available([...BEHIND_ALL_OTHERS, 'true']),
  ]);
  const [setsid, setpriv, prlimit, nice] = await wrappers;
  const seconds = (tools.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS) * availableParallelism() + 1;
  const limits = [`--as=${tools.memoryBytes ?? DEFAULT_MEMORY_BYTES}`, `--cpu=${Math.ceil(seconds)}`, '--core=0', '--nofile=256'];
  return {
    program: '/usr/bin/env',
    arguments: [
      ...base,
      ...(setsid ? ['setsid'] : []),
      ...(nice ? yielding : []),
      ...(setpriv ? ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'] : []),
      ...(prlimit ? ['prlimit', ...limits] : []),
    ],
  };
}

let wrappers: Promise<[boolean, boolean, boolean, boolean]> | undefined;

function available(command: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    execFile('/usr/bin/env', ['-i', `PATH=${PROGRAM_FOLDERS}`, ...command], (error) => done(error === null));
  });
}

function refuseIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw new MediaError('aborted', 'The work on the video was stopped.', { cause: signal.reason });
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

function notStarted(tool: string, errors: readonly string[]): MediaError {
  return new MediaError('failed', `${tool} is not installed where it is configured to be, or it cannot be started.`, {
    cause: errors.join('\n'),
  });
}

/** Longest first, so that a folder does not take the beginning of its file's name away. */
function pathsOf(tools: MediaTools, call: FfmpegCall): string[] {
  const outputs = call.outputs.flatMap(({ to }) => (typeof to === 'string' ? [to] : []));
  return [call.input.file, ...outputs, call.cwd ?? tools.scratch, tools.scratch]
    .map((path) => resolve(path))
    .sort((a, b) => b.length - a.length);
}

function failure(tool: string, errors: readonly string[], error: unknown, paths: readonly string[]): MediaError {
  const words = errors.join('\n');
  const message = error instanceof Error ? error.message : '';
  if (/exited with code 12[67]\b/.test(message)) return notStarted(tool, errors);
  const last = errors.at(-1) ?? message;
  return new MediaError('failed', `${tool} could not finish the work on the video: ${withoutPaths(last, paths)}.`, {
    cause: words,
  });
}

/** Exported for its test: what a person is shown must not tell where files lie on the server. */
export function withoutPaths(line: string, paths: readonly string[]): string {
  let clean = line;
  for (const path of paths) clean = clean.replaceAll(`file:${path}`, 'the file').replaceAll(path, 'the file');
  return clean
    .replace(/\[[^\]]*@ 0x[0-9a-f]+\] */g, '')
    .replace(/(?<![^\s'"(])(file:)?(\/[^\s:'",]+)+/g, 'the file')
    .trim()
    .replace(/\.$/, '');
}
