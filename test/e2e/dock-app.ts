import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DockAnswer } from '../support/answers.js';
import type { HttpClient } from '../support/http.js';
import { compiled, TOP } from '../support/repository.js';
import type { Ended } from './command-line.js';

/** What `custodiet-dock upload --json` says of one file. */
export interface Outcome {
  readonly file: string;
  readonly state: 'sealed' | 'quarantined' | 'duplicate' | 'failed' | 'unreachable';
  readonly recording?: string;
  readonly receipt?: string;
  readonly duplicateOf?: string;
  readonly reason?: string;
}

/** `custodiet-dock` as an agency runs it: enrolled with the key it made itself, configured in a folder of its own. */
export class DockApp {
  private constructor(private readonly config: string) {}

  static async enrol(administrator: HttpClient, folder: string): Promise<DockApp> {
    const app = new DockApp(join(folder, 'dock', 'config.json'));
    const enrolled = await app.run('enrol', '--server', administrator.url);
    if (enrolled.code !== 0) throw new Error(`custodiet-dock enrol: ${enrolled.stderr}`);
    const request = { name: 'Dock of the test', publicKey: enrolled.stdout.trim() };
    const { id, logKey } = (await administrator.post<DockAnswer>('/api/docks', request)).expect(201).body;
    const accepted = await app.run('accept', '--dock', id, '--log-key', logKey ?? '');
    if (accepted.code !== 0) throw new Error(`custodiet-dock accept: ${accepted.stderr}`);
    return app;
  }

  async upload(...args: string[]): Promise<Ended & { readonly outcomes: readonly Outcome[] }> {
    const ended = await this.run('upload', ...args, '--camera', 'TEST-CAMERA-1', '--officer', '4711', '--json');
    const lines = ended.stdout.split('\n').filter((line) => line.startsWith('{'));
    return { ...ended, outcomes: lines.map((line) => JSON.parse(line) as Outcome) };
  }

  async run(command: string, ...args: string[]): Promise<Ended> {
    return this.start(command, ...args).ended;
  }

  /** For `watch`, which runs until it is told to end. */
  start(command: string, ...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const child = spawn(process.execPath, [compiled('custodiet-dock.mjs'), command, ...args, '--config', this.config], {
      cwd: TOP,
      // The journal is the dock's own, as its configuration is
      env: { PATH: process.env['PATH'], XDG_STATE_HOME: join(dirname(this.config), 'state') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(([stdout, stderr]) => ({
      code: child.exitCode,
      stdout,
      stderr,
    }));
    return { child, ended };
  }
}
