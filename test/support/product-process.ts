import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { compiled, TOP } from './repository.js';
import { eventually } from './eventually.js';

type Environment = Readonly<Record<string, string>>;

const running = new Set<ChildProcess>();
// A test runner that is ended must not leave services behind.
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** One of the product's long-running programs, as `npm start` runs it. It can be killed and started again. */
export class ProductProcess {
  private child: ChildProcess | undefined;

  constructor(
    readonly name: 'api' | 'worker',
    /** Answers at `/health/ready` once it is up. */
    readonly url: string,
    private readonly env: Environment,
    /** Standard output and error, over all its lives. */
    readonly logFile: string,
  ) {}

  get pid(): number | undefined {
    return this.isRunning ? this.child?.pid : undefined;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** Returns at once; `ready` waits. */
  start(): void {
    if (this.isRunning) return;
    const log = openSync(this.logFile, 'a');
    const options = this.name === 'api' ? ['--max-semi-space-size=4', '--heap-growing-percent=20'] : [];
    const child = spawn(process.execPath, [...options, compiled(`apps/${this.name}/src/main.js`)], {
      cwd: TOP,
      env: this.env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.child = child;
  }

  /** @throws Error with the end of its log when it ended or did not answer in time */
  async ready(withinMs = 60_000): Promise<void> {
    const look = async (): Promise<boolean> => {
      if (!this.isRunning) throw new Error(`${this.name} ended while it was starting.\n${this.endOfLog()}`);
      return fetch(`${this.url}/health/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
    };
    await eventually(`${this.name} is ready`, look, { withinMs }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.endOfLog()}`);
    });
  }

  /** Sends the signal and waits until the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Asks it to end, and kills it when it has not after `graceMs`. @returns whether it ended by itself */
  async stop(graceMs = 30_000): Promise<boolean> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return true;
    let inTime = true;
    const impatience = setTimeout(() => {
      inTime = false;
      child.kill('SIGKILL');
    }, graceMs);
    await this.kill('SIGTERM');
    clearTimeout(impatience);
    return inTime;
  }

  private endOfLog(): string {
    return this.log.trim().split('\n').slice(-20).join('\n');
  }
}
