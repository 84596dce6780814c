import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { DOCK, type FaultyDockingServer } from './faulty-docking-server.js';

export const ROOT = join(import.meta.dirname, '../../../..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard error so far. */
  readonly said: () => string;
}

/** Bundles custodiet-dock as it is shipped. @returns the folder it is in */
export async function builtDock(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-built-'));
  const flags = ['--bundle', '--platform=node', '--target=node20', '--format=esm', '--log-level=error'];
  const files = [join(ROOT, 'apps/dock/src/main.ts'), `--outfile=${join(folder, 'custodiet-dock.mjs')}`];
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [...files, ...flags], { cwd: ROOT });
  return folder;
}

/** A user's home folder, with the dock's configuration and journal, and processes started in it. */
export class DockHome {
  private readonly started: ChildProcess[] = [];

  private constructor(
    private readonly built: string,
    readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** @param environment of the tests */
  static async make(built: string, environment: NodeJS.ProcessEnv): Promise<DockHome> {
    return new DockHome(built, await mkdtemp(join(tmpdir(), 'custodiet-dock-')), environment);
  }

  async remove(): Promise<void> {
    for (const child of this.started) child.kill('SIGKILL');
    await rm(this.folder, { recursive: true });
  }

  /** The journal's folder when nobody says otherwise. */
  get state(): string {
    return join(this.folder, 'state/custodiet-dock', DOCK);
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  async accepted(service: FaultyDockingServer): Promise<Ended> {
    const enrolled = await this.run('enrol', '--server', service.url);
    await service.enrol(enrolled.stdout.trim());
    const accepted = await this.run('accept', '--dock', DOCK, '--log-key', service.log.vkey);
    if (accepted.code !== 0) throw new Error(accepted.stderr);
    return enrolled;
  }

  async clip(name: string, size: number): Promise<{ path: string; content: Buffer }> {
    const [path, content] = [this.path(name), randomBytes(size)];
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return { path, content };
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  /**
   * @param env beside the environment of all
   * @param before flags of Node
   * @param under a program that runs Node
   */
  start(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    before: readonly string[] = [],
    under: readonly string[] = [],
  ): Running {
    const [program = '', ...rest] = [...under, process.execPath, ...before, join(this.built, 'custodiet-dock.mjs'), ...args];
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: { ...this.environment, XDG_CONFIG_HOME: this.folder, XDG_STATE_HOME: this.path('state'), NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.started.push(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { child, ended: endOf(child), said: () => said };
  }

  async statusOf(
    ...flags: string[]
  ): Promise<{ file: string; state: string; trouble?: string; percent: number; recording?: string }[]> {
    const { stdout } = await this.run('status', '--json', ...flags);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Awaited<ReturnType<DockHome['statusOf']>>[number]);
  }
}

async function endOf(child: ReturnType<typeof spawn>): Promise<Ended> {
  const read = (stream: NodeJS.ReadableStream | null): Promise<string> => (stream === null ? Promise.resolve('') : text(stream));
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
}
