import { setTimeout as wait } from 'node:timers/promises';
import { launch, stop } from './processes.mjs';

const LONGEST_PAUSE_SECONDS = 30;
/** A process that lived this long had started well: the next pause is short again. */
const SETTLED_MS = 60_000;

/** API, worker or the demonstration's witness: started again, after a growing pause, whenever it ends by itself. */
export class SupervisedApp {
  #name;
  #launch;
  #say;
  #noted;
  #identity;
  #ending = new AbortController();
  #deaths = 0;

  /**
   * @param {string} name
   * @param {{ command: string, args: string[], env: Record<string, string>, cwd: string, log: string }} program
   * @param {(line: string) => void} say
   * @param {(identity: import('./processes.mjs').Identity) => void} noted called with each new process
   */
  constructor(name, program, say, noted) {
    this.#name = name;
    this.#launch = () => launch(program.command, program.args, program);
    this.#say = say;
    this.#noted = noted;
  }

  start() {
    const began = Date.now();
    const { identity, ended } = this.#launch();
    this.#identity = identity;
    this.#noted(identity);
    void ended.then(({ code, signal }) => this.#restart(began, signal ?? `exit code ${code}`));
  }

  /** How often it ended by itself since it last ran for a minute. */
  get deaths() {
    return this.#deaths;
  }

  /** SIGTERM, half a minute to finish or hand back the work in hand, then SIGKILL. */
  async stop() {
    this.#ending.abort();
    await stop(this.#identity, { graceSeconds: 30, group: true });
  }

  async #restart(began, how) {
    if (this.#ending.signal.aborted) return;
    if (Date.now() - began > SETTLED_MS) this.#deaths = 0;
    const pause = Math.min(2 ** this.#deaths, LONGEST_PAUSE_SECONDS);
    this.#deaths += 1;
    this.#say(`${this.#name} ended by itself (${how}); started again in ${pause} s`);
    try {
      await wait(pause * 1000, undefined, { signal: this.#ending.signal });
    } catch {
      return;
    }
    try {
      this.start();
    } catch (error) {
      void this.#restart(Date.now(), error.message);
    }
  }
}
