import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWitness, runWitness, WitnessProcess } from '../../apps/witness/src/testing/witness-process.js';
import { freePort } from './free-port.js';

/** Witnesses as an oversight board runs them: custodiet-witness processes, each with a key, a state and a port of its own. */
export class TestWitnesses {
  private readonly all: TestWitness[] = [];

  private constructor(
    private readonly folder: string,
    private readonly program: string,
  ) {}

  static async create(): Promise<TestWitnesses> {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-witnesses-'));
    return new TestWitnesses(folder, await bundleWitness(folder));
  }

  /** A witness of the log whose keys these are, not started yet. */
  async add(name: string, ...logKeys: string[]): Promise<TestWitness> {
    const config = join(this.folder, `${name}-${this.all.length}`, 'config.json');
    const port = await freePort();
    const logs = logKeys.flatMap((vkey) => ['--log', vkey]);
    const listen = `127.0.0.1:${port}`;
    const init = await runWitness(
      this.program,
      'init',
      '--name',
      `${name}.test/witness`,
      '--config',
      config,
      '--listen',
      listen,
      ...logs,
    );
    if (init.status !== 0) throw new Error(`The witness ${name} was not made: ${init.err}`);
    const witness = new TestWitness(this.program, config, name, init.out.trim(), `http://${listen}`);
    this.all.push(witness);
    return witness;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((witness) => witness.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

export class TestWitness {
  private process: WitnessProcess | undefined;

  constructor(
    private readonly program: string,
    private readonly config: string,
    readonly name: string,
    readonly vkey: string,
    readonly url: string,
  ) {}

  /** Its line in a witness policy. */
  get line(): string {
    return `witness ${this.name} ${this.vkey} ${this.url}\n`;
  }

  /** Status of each request so far, 'add-checkpoint' or not. */
  get answers(): readonly unknown[] {
    return (this.process?.lines ?? []).filter(({ event }) => event === 'request').map(({ status }) => status);
  }

  async start(): Promise<this> {
    this.process = await WitnessProcess.serve(this.program, ['--config', this.config]);
    return this;
  }

  async stop(): Promise<void> {
    await this.process?.stop('SIGKILL');
    this.process = undefined;
  }
}
