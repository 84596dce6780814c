import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundleWitness, runWitness } from '../../apps/witness/src/testing/witness-process.js';
import { freePort } from '../support/free-port.js';

/** Loaded before the witness: its clock is that far from ours. */
const CLOCK = `
const away = Number(process.env.CLOCK_MS);
globalThis.Date = class extends Date {
  constructor(...given) { if (given.length === 0) super(Date.now()); else super(...given); }
  static now() { return super.now() + away; }
};
`;

/** The witness of an oversight board, a custodiet-witness process, that can be asked what it has seen and whose clock can be set. */
export class BoardWitness {
  private process: ChildProcess | undefined;
  /** Status of each request so far. */
  readonly answers: unknown[] = [];

  private constructor(
    private readonly folder: string,
    private readonly program: string,
    private readonly config: string,
    readonly vkey: string,
    readonly url: string,
  ) {}

  /** Of the log with that key; not started yet. */
  static async create(logKey: string): Promise<BoardWitness> {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-board-'));
    const program = await bundleWitness(folder);
    const config = join(folder, 'config.json');
    const listen = `127.0.0.1:${await freePort()}`;
    const given = ['--name', 'board.test/witness', '--config', config, '--listen', listen, '--log', logKey];
    const { status, out, err } = await runWitness(program, 'init', ...given);
    if (status !== 0) throw new Error(`The witness was not made: ${err}`);
    return new BoardWitness(folder, program, config, out.trim(), `http://${listen}`);
  }

  /** A policy that asks for its cosignature, as the service reads it; `url` replaces its address. */
  policy(url = this.url): string {
    return `witness board ${this.vkey} ${url}\nquorum board\n`;
  }

  async start({ clockMs = 0 } = {}): Promise<void> {
    const clock = ['--import', `data:text/javascript,${encodeURIComponent(CLOCK)}`];
    const child = spawn(process.execPath, [...clock, this.program, 'serve', '--config', this.config], {
      env: { CLOCK_MS: String(clockMs) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process = child;
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (text) => {
        if (!text.startsWith('{')) return;
        const { event, status } = JSON.parse(text) as { event: unknown; status: unknown };
        if (event === 'listening') resolve();
        if (event === 'request') this.answers.push(status);
      });
      child.once('exit', () => reject(new Error('The witness did not start.')));
    });
  }

  async stop(): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** What `custodiet-witness status` prints. */
  async status(): Promise<string> {
    return (await runWitness(this.program, 'status', '--config', this.config)).out;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
