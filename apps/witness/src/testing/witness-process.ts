import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

/** Where a witness is killed with signal 9 while it records a checkpoint. */
export const STEPS = ['temporary file made', 'temporary file synced', 'renamed', 'folder synced'] as const;
export type Step = (typeof STEPS)[number];

/** Loaded before the witness: its calls reach the real file system, and at one of them the process is killed. */
const KILLER = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const { open, rename } = fs;
const reached = (step) => { if (step === process.env.DIE_AT) process.kill(process.pid, 'SIGKILL'); };
fs.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  if (path.endsWith('.part')) reached('temporary file made');
  const sync = file.sync.bind(file);
  file.sync = async () => { await sync(); if (flags === 'r') reached('folder synced'); };
  return file;
};
fs.rename = async (from, to) => {
  reached('temporary file synced');
  await rename(from, to);
  reached('renamed');
};
syncBuiltinESMExports();
`;

export interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** The command as it is shipped: one file. */
export async function bundleWitness(folder: string): Promise<string> {
  const file = join(folder, 'witness.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../main.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile: file,
    tsconfig: join(import.meta.dirname, '../../../../tsconfig.json'),
  });
  return file;
}

export function runWitness(file: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    // A witness that serves where it should refuse would never end by itself.
    const options = { env: {}, timeout: 20_000, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [file, ...args], options, (error, out, err) => {
      const status = error === null ? 0 : error.code;
      resolve({ status: typeof status === 'number' ? status : -1, out, err });
    });
  });
}

export class WitnessProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly lines: readonly LogLine[],
    readonly port: number,
    private readonly exited: Promise<unknown[]>,
  ) {}

  static async serve(file: string, args: readonly string[], dieAt?: Step): Promise<WitnessProcess> {
    const killer = dieAt === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(KILLER)}`];
    const child = spawn(process.execPath, [...killer, file, 'serve', ...args], {
      env: dieAt === undefined ? {} : { DIE_AT: dieAt },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Not 'exit': what it said last may not have been read then.
    const exited = once(child, 'close');
    const lines: LogLine[] = [];
    const port = await new Promise<number>((resolve, reject) => {
      const said: string[] = [];
      createInterface({ input: child.stderr }).on('line', (text) => {
        said.push(text);
        if (!text.startsWith('{')) return;
        const line = JSON.parse(text) as LogLine;
        lines.push(line);
        if (line['event'] === 'listening') resolve(Number(line['port']));
      });
      child.once('exit', () => {
        reject(new Error(`The witness did not start: ${said.join('\n')}`));
      });
    });
    return new WitnessProcess(child, lines, port, exited);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/add-checkpoint`;
  }

  post(body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    return fetch(this.url, { method: 'POST', body });
  }

  /** Exit code, or the signal that ended it. */
  async ended(): Promise<number | string> {
    const [code, signal] = await this.exited;
    return typeof code === 'number' ? code : String(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.child.kill(signal);
    return this.ended();
  }
}
