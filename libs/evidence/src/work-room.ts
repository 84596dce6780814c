import { Hopeless } from '#platform';

const GIB = 2 ** 30;

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/**
 * How much of the disk this process's jobs may have together. A job says beforehand what it will need and waits until that is free, in turn, so
 * that small ones do not keep a large one waiting for ever. It is a promise, not a fence: the file system does not know of it.
 */
export class WorkRoom {
  private taken = 0;
  private readonly line: Waiting[] = [];

  /** @param bytes in all. @param spare takes back bytes that nobody needs, as many as it can, before somebody is let in beside them */
  constructor(
    readonly bytes: number,
    private readonly spare: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /**
   * Waits for room. One job always gets in, when it is alone.
   *
   * @returns what gives the room back; harmless to call twice
   * @throws Hopeless when the job needs more than there is in all; the signal's reason
   */
  async take(bytes: number, signal?: AbortSignal): Promise<() => void> {
    if (bytes > this.bytes) {
      const [needed, all] = [bytes, this.bytes].map((size) => (size / GIB).toFixed(1));
      throw new Hopeless(`The work needs ${needed} GiB of disk and the worker may use ${all} GiB (WORK_DIR_GIB).`);
    }
    signal?.throwIfAborted();
    if (this.line.length > 0 || !this.fits(bytes)) await this.wait(bytes, signal);
    else this.taken += bytes;
    let given = false;
    const giveBack = (): void => {
      if (given) return;
      given = true;
      this.taken -= bytes;
      this.admit();
    };
    await this.spare().catch((error: unknown) => {
      giveBack();
      throw error;
    });
    return giveBack;
  }

  /** Bytes that are promised. */
  get inUse(): number {
    return this.taken;
  }

  private fits(bytes: number): boolean {
    return this.taken + bytes <= this.bytes;
  }

  private async wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.line.splice(this.line.indexOf(waiting), 1);
        reject(signal?.reason as Error);
        // Whoever stood behind may fit.
        this.admit();
      };
      const waiting = {
        bytes,
        go: (): void => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      this.line.push(waiting);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  private admit(): void {
    for (let next = this.line[0]; next !== undefined && this.fits(next.bytes); next = this.line[0]) {
      this.line.shift();
      this.taken += next.bytes;
      next.go();
    }
  }
}
