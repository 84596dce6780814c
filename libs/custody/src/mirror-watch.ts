import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TlogError, type Checkpoint } from '#tlog';
import { LogFrozen } from './log-frozen.js';
import type { LogKeys } from './log-keys.js';
import type { LogMirror, MirroredCheckpoint } from './log-mirror.js';

const PATIENCE_MS = 5000;
const ALARM_MS = 60_000;

/**
 * The sequencer's view of the mirror. It is asked and written in the background, because a store that hangs must keep nobody waiting; while it
 * does not answer, the newest checkpoint known from it since the start counts. Not an injectable: the sequencer owns it.
 */
export class MirrorWatch {
  private readonly logger = new Logger('LogMirror');
  private known: readonly Checkpoint[] | undefined;
  private broken: LogFrozen | undefined;
  private asking: Promise<void> | undefined;
  private question: Promise<void> | undefined;
  private asked = false;
  private writing: Promise<void> | undefined;
  private due: MirroredCheckpoint | undefined;
  private readonly failingSince: { read?: number; written?: number } = {};

  /** @param written called with each checkpoint that is in the mirror now */
  constructor(
    private readonly mirror: LogMirror,
    private readonly keys: LogKeys,
    private readonly wake: () => void,
    private readonly written: (checkpoint: MirroredCheckpoint) => void,
  ) {}

  /** The checkpoints that the log must extend; several only when somebody signed two histories. @throws LogFrozen when one of them is not ours */
  get newest(): readonly Checkpoint[] {
    if (this.broken !== undefined) throw this.broken;
    return this.known ?? [];
  }

  /** True when for more than a minute it could not be read, or not be written. */
  get failing(): boolean {
    const { read, written } = this.failingSince;
    return performance.now() - Math.min(read ?? Infinity, written ?? Infinity) > ALARM_MS;
  }

  /** For a sequencer that does not lead: it neither reads nor writes, so nothing of that fails. */
  rest(): void {
    delete this.failingSince.read;
    delete this.failingSince.written;
  }

  /** Whether a fresh answer is here. Asks if there is none; `wake` is called when it has come. 'unknown': there was never one. */
  answer(near: bigint): 'known' | 'unknown' | 'waiting' {
    if (this.asked) {
      this.asked = false;
      return this.known === undefined && this.broken === undefined ? 'unknown' : 'known';
    }
    this.asking ??= this.ask(near).finally(() => {
      this.asking = undefined;
      this.asked = true;
      this.wake();
    });
    return 'waiting';
  }

  /** Returns also when the store fails, or after a while without its answer. */
  async ask(near: bigint): Promise<void> {
    // One question at a time: a store that hangs gathers none, and no answer is overtaken by one to an earlier question.
    this.question ??= this.look(near).finally(() => (this.question = undefined));
    await orAfterAWhile(this.question);
  }

  /** Of several that are due only the last is written: it needs the tiles of those before it too. */
  write(checkpoint: MirroredCheckpoint): void {
    this.due = checkpoint;
    this.writing ??= this.writeDue().finally(() => (this.writing = undefined));
  }

  /** The same checkpoint with the cosignatures of a quorum; what is missing after a failure is only their copy. */
  async writeCosigned(checkpoint: MirroredCheckpoint): Promise<void> {
    await this.mirror.writeNote(this.keys.origin, checkpoint).catch((error: unknown) => {
      this.logger.warn({ err: error }, `the cosigned checkpoint of ${checkpoint.size} entries could not be mirrored`);
    });
  }

  /** Resolves when nothing is being written any more, or after a while: what is missing is written after the next start. */
  async settled(): Promise<void> {
    if (this.writing !== undefined) await orAfterAWhile(this.writing);
  }

  private async look(near: bigint): Promise<void> {
    try {
      const found = await this.mirror.newest(this.keys.origin, near);
      delete this.failingSince.read;
      this.broken = undefined;
      this.learn(found);
    } catch (error) {
      if (error instanceof LogFrozen) this.broken = error;
      else this.failed('read', error, 'the mirror of the log cannot be read');
    }
  }

  private async writeDue(): Promise<void> {
    for (let next = this.due; next !== undefined; next = this.due) {
      this.due = undefined;
      const before = this.known?.[0]?.size ?? 0n;
      try {
        if (next.size > before) {
          await this.mirror.write(this.keys.origin, next, before);
          delete this.failingSince.written;
          this.learn([next]);
        }
        this.written(next);
      } catch (error) {
        // Tried again with the next checkpoint, which is never far.
        this.failed('written', error, `the checkpoint of ${next.size} entries could not be mirrored`);
      }
    }
  }

  /** @throws LogFrozen when one of them is not ours */
  private learn(found: readonly MirroredCheckpoint[]): void {
    this.known = found.map((each) => this.opened(each));
  }

  private opened({ size, note }: MirroredCheckpoint): Checkpoint {
    const checkpoint = this.signed({ size, note });
    // An old one under the key of a larger size would hide the newest.
    if (checkpoint.size !== size) throw new LogFrozen(`the mirrored checkpoint of ${size} entries is one of ${checkpoint.size}`);
    return checkpoint;
  }

  private signed({ size, note }: MirroredCheckpoint): Checkpoint {
    try {
      return this.keys.open(note);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      throw new LogFrozen(`the mirrored checkpoint of ${size} entries is not ours: ${error.message}`);
    }
  }

  private failed(which: 'read' | 'written', error: unknown, what: string): void {
    this.failingSince[which] ??= performance.now();
    this.logger.warn({ err: error }, what);
  }
}

async function orAfterAWhile(work: Promise<void>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([work, setTimeout(PATIENCE_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
}
