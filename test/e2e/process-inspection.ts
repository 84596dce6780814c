import { readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ProductProcess } from '../support/product-process.js';

interface Listed {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly args: string;
}

/** The ffmpeg processes that a worker has running, also through what wraps them. Process ids. */
export async function ffmpegOf({ pid }: ProductProcess): Promise<number[]> {
  if (pid === undefined) return [];
  const all = await processes();
  const below = (parent: number): Listed[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(pid)
    .filter(({ args }) => /\bffmpeg\b/.test(args))
    .map((each) => each.pid);
}

/** Those of `pids` that still do something. */
export async function stillRunning(pids: readonly number[]): Promise<number[]> {
  return (await processes())
    .filter(({ pid, state, args }) => pids.includes(pid) && !state.startsWith('Z') && /\bffmpeg\b/.test(args))
    .map(({ pid }) => pid);
}

/** Folders that jobs left in a worker's scratch space, by their path in it. */
export async function jobFolders(workDir: string): Promise<string[]> {
  return (await readdir(workDir, { recursive: true }))
    .filter((path) => /job-[^/]*$/.test(path))
    .map((path) => join(workDir, path));
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** From /proc, since a machine without `ps` must run the tests too. proc(5) */
async function processes(): Promise<Listed[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const listed = await Promise.all(pids.map(describe).map((found) => found.catch(() => undefined))); // ended meanwhile
  return listed.filter((each) => each !== undefined);
}

async function describe(pid: string): Promise<Listed> {
  const [stat, args] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), readFile(`/proc/${pid}/cmdline`, 'utf8')]);
  // The name before stands in brackets and may hold anything.
  const [state = '', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), parent: Number(parent), state, args: args.replaceAll('\0', ' ').trim() };
}
