import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { TOP } from '../support/repository.js';
import type { Orders } from './sequencer-program.js';

/** Makes processes that sequence. They are started ahead, because starting takes longer than what is asked of them. */
export class SequencerProcesses {
  private next: SequencerProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly program: string,
  ) {}

  static async build(): Promise<SequencerProcesses> {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-sequencers-'));
    const program = join(folder, 'sequencer.mjs');
    await symlink(join(TOP, 'node_modules'), join(folder, 'node_modules'));
    await build({
      entryPoints: [join(TOP, 'test/attacks/sequencer-program.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      target: 'node22',
      format: 'esm',
      plugins: [
        {
          // esbuild would take our own `#custody` for a package's import.
          name: 'ours',
          setup: (bundler) => {
            bundler.onResolve({ filter: /^#[a-z]+$/ }, ({ path }) => ({
              path: join(TOP, 'libs', path.slice(1), 'src/index.ts'),
            }));
            bundler.onResolve({ filter: /^[^.#/]/ }, ({ path, kind }) =>
              kind === 'entry-point' ? undefined : { path, external: true },
            );
          },
        },
      ],
      tsconfig: join(TOP, 'tsconfig.json'),
      logLevel: 'error',
    });
    return new SequencerProcesses(folder, program);
  }

  /** A process that does as it is told. */
  start(orders: Orders): SequencerProcess {
    const started = this.next ?? new SequencerProcess(this.program);
    this.next = new SequencerProcess(this.program);
    started.order(orders);
    return started;
  }

  async close(): Promise<void> {
    await this.next?.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export class SequencerProcess {
  /** Steps that it has begun, in order; the same one more than once. */
  readonly steps: string[] = [];
  private readonly child: ChildProcess;
  private readonly said: string[] = [];
  private readonly exited: Promise<unknown>;

  constructor(program: string) {
    this.child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
    this.exited = once(this.child, 'close');
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('It has no output.');
    createInterface({ input: stdout }).on('line', (step) => {
      if (step !== 'ready') this.steps.push(step);
    });
    createInterface({ input: stderr }).on('line', (line) => this.said.push(line));
  }

  order(orders: Orders): void {
    this.child.stdin?.end(`${JSON.stringify(orders)}\n`);
  }

  /** Until signal 9 has ended it. @throws Error when it ended in another way, or has not ended after `withinMs` */
  async killed(withinMs = 30_000): Promise<void> {
    const tooLate = setTimeout(() => this.child.kill('SIGTERM'), withinMs);
    await this.exited;
    clearTimeout(tooLate);
    if (this.child.signalCode !== 'SIGKILL')
      throw new Error(`It was not killed where it should be. Steps: ${this.steps.join('; ')}. It said: ${this.said.join('\n')}`);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
