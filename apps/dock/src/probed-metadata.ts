import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { programPath } from './dock-config.js';
import { readTags, type ProbedMetadata } from './probed-tags.rules.js';

/** Demuxers for what cameras write, without any that opens further files by itself: a playlist renamed .mp4 would have ffprobe read others. */
const DEMUXERS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf';
const LIMIT_SECONDS = 30;
const MOST_BYTES = 1024 * 1024;

/**
 * Run by the shell, because its limits hold also when this process is killed and can no longer stop a file that keeps ffprobe busy for ever.
 * Seconds of CPU and KiB of memory; a system that knows no such limit goes without.
 */
const LIMITED = `ulimit -c 0; ulimit -t ${String(LIMIT_SECONDS)}; ulimit -v 4194304; exec "$@"`;

/**
 * What ffprobe finds in the file's own tags. Nothing, never an error, when there is no ffprobe, when it fails, takes over 30 s or says over
 * 1 MiB: the bytes are evidence whether ffprobe likes them or not.
 * @param ffprobe a program's name or path
 */
export async function probeMetadata(path: string, ffprobe = 'ffprobe', limitMs = LIMIT_SECONDS * 1000): Promise<ProbedMetadata> {
  const guards = ['-format_whitelist', DEMUXERS, '-protocol_whitelist', 'file'];
  const wanted = ['-show_entries', 'format_tags:stream_tags', '-print_format', 'json'];
  const command = [ffprobe, '-hide_banner', '-loglevel', 'quiet', ...guards, ...wanted, '-i', `file:${resolve(path)}`];
  const said = await run(command, limitMs);
  try {
    return readTags(JSON.parse(said));
  } catch {
    return {};
  }
}

/** Standard output of a program that ended well in time, else the empty text. */
function run(command: readonly string[], limitMs: number): Promise<string> {
  return new Promise((done) => {
    // ffprobe has no -nostdin: it is given no input at all. In a group of its own, it is killed with whatever it started
    const child = spawn('/bin/sh', ['-c', LIMITED, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { PATH: programPath(), LC_ALL: 'C.UTF-8' },
    });
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (text: string): void => {
      clearTimeout(timer);
      done(text);
    };
    const giveUp = (): void => {
      kill(child);
      // Not waited for: what left the group may hold the pipe open
      child.stdout.destroy();
      end('');
    };
    const timer = setTimeout(giveUp, limitMs);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MOST_BYTES) giveUp();
      else chunks.push(chunk);
    });
    child.on('error', () => end(''));
    child.on('close', (code) => end(code === 0 ? Buffer.concat(chunks).toString('utf8') : ''));
  });
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
