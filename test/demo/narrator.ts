import { appendFileSync } from 'node:fs';

/** What a step tells, along with whatever the next steps need of it. */
export interface Told {
  /** Half a line for a reader: what was seen, in figures. */
  readonly detail: string;
}

export class StepFailed extends Error {}

const TITLE_WIDTH = 58;

/** Says each step with the time it took: a line for people or a JSON object for machines. */
export class Narrator {
  constructor(private readonly json: boolean) {}

  /** For people only. */
  say(text: string): void {
    if (!this.json) write(`${text}\n`);
  }

  /** @throws StepFailed after saying what did not hold */
  async step<T extends Told>(step: string, play: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const tell = (ok: boolean, detail: string): void => {
      this.tell({ step, ok, ms: Math.round(performance.now() - begun), detail });
    };
    try {
      const told = await play();
      tell(true, told.detail);
      return told;
    } catch (error) {
      tell(false, error instanceof Error ? describe(error) : String(error));
      throw new StepFailed(step);
    }
  }

  private tell(line: { step: string; ok: boolean; ms: number; detail: string }): void {
    if (this.json) {
      write(`${JSON.stringify(line)}\n`);
      return;
    }
    const seconds = (line.ms / 1000).toFixed(1).padStart(6);
    write(`${line.ok ? '✓' : '✗'} ${line.step.padEnd(TITLE_WIDTH)} ${seconds} s  ${line.detail}\n`);
  }
}

function describe(error: Error): string {
  // fetch says only that it failed; why is in its cause.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** At once, so that a line is out before the next step, also through a pipe. */
function write(text: string): void {
  try {
    appendFileSync(1, text);
  } catch {
    process.stdout.write(text);
  }
}
