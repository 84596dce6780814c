import { compareUrgency, type Urgency } from './urgency.rules.js';

interface Waiting {
  readonly urgency: Urgency;
  readonly bytes: number;
  readonly go: () => void;
}

/** Lets so many work at once, and of those who wait the most urgent next. */
export class Turns {
  private readonly waiting: Waiting[] = [];
  private count = 0;
  private bytes = 0;

  constructor(
    private readonly atOnce: number,
    /** Of all that work at once; one alone may have more. */
    private readonly bytesAtOnce = Infinity,
  ) {}

  /** @throws the signal's reason when it aborts before the turn came */
  async during<T>(urgency: Urgency, signal: AbortSignal, work: () => Promise<T>, bytes = 0): Promise<T> {
    await this.turn(urgency, bytes, signal);
    try {
      return await work();
    } finally {
      this.count -= 1;
      this.bytes -= bytes;
      this.next();
    }
  }

  private turn(urgency: Urgency, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.waiting.splice(this.waiting.indexOf(mine), 1);
        reject(signal.reason as Error);
        this.next();
      };
      const mine = {
        urgency,
        bytes,
        go: (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const behind = this.waiting.findIndex((other) => compareUrgency(urgency, other.urgency) < 0);
      this.waiting.splice(behind === -1 ? this.waiting.length : behind, 0, mine);
      signal.addEventListener('abort', giveUp, { once: true });
      // A moment later, so that of several who come together it is not the first one to ask who gets the turn
      setImmediate(() => {
        this.next();
      });
    });
  }

  private next(): void {
    for (let first = this.waiting[0]; first !== undefined && this.hasRoom(first.bytes); first = this.waiting[0]) {
      this.waiting.shift();
      this.count += 1;
      this.bytes += first.bytes;
      first.go();
    }
  }

  private hasRoom(bytes: number): boolean {
    return this.count === 0 || (this.count < this.atOnce && this.bytes + bytes <= this.bytesAtOnce);
  }
}
