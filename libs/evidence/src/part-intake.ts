import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import { Busy, PartCutOff, PartTooSlow } from './evidence-problems.js';
import { type Claim, comeBackAfter, FairQueue } from './part-intake.rules.js';
import { discard } from './spent-chunk.js';

export interface IntakeOptions {
  /** Bytes that all parts in flight may take together. */
  readonly room: number;
  /** Bytes of a usual part: buffers of this size are kept and used again. */
  readonly slot: number;
  /** Parts that may wait, their bodies unread. */
  readonly queue: number;
  /** How long one waits, in milliseconds, before its sender is told to come back later. */
  readonly waitMs: number;
  /** How long a sender may send nothing, in milliseconds, before the room is taken from it. */
  readonly idleMs: number;
  /** Bytes a second below which a sender is too slow for the room that it holds. */
  readonly leastSpeed: number;
}

/** A waiting part and how to tell it. */
interface Waiter extends Claim {
  readonly admitted: () => void;
  readonly turnedAway: () => void;
}

/**
 * Reads the bodies of parts into memory, never more of them at once than there is room for: forty docks at once are served more slowly,
 * none is forgotten and memory stays where it is. Whoever finds no room waits with the body unread, and is answered 503 after a while.
 */
export class PartIntake implements OnModuleDestroy, OnApplicationShutdown {
  private readonly queue: FairQueue<Waiter>;
  private readonly ending = new AbortController();
  /** Buffers of one slot that nobody uses. */
  private spare: Buffer[] = [];

  constructor(private readonly options: IntakeOptions) {
    const { room, queue } = options;
    // A quarter is never taken by one sender alone, so that another's first part does not wait for a slow one's last.
    this.queue = new FairQueue({ room, share: (room / 4) * 3, queue });
  }

  /** Bytes in flight now, and parts that wait. */
  get load(): { readonly inFlight: number; readonly waiting: number } {
    return { inFlight: this.queue.inFlight, waiting: this.queue.length };
  }

  /**
   * Waits for room, reads exactly `size` bytes of the body and hands them to `work` with their SHA-256. The bytes are `work`'s until it
   * is settled, and used for another part after that.
   * @param sender whose turn it is: a dock's or a person's id
   * @throws Busy, PartCutOff, PartTooSlow, and what `work` throws
   */
  async take<T>(
    body: IncomingMessage,
    size: number,
    sender: string,
    work: (bytes: Buffer, sha256: Buffer) => Promise<T>,
  ): Promise<T> {
    const claim = await this.admission(sender, Math.max(size, this.options.slot));
    let buffer: Buffer | undefined;
    try {
      buffer = this.buffer(claim.room);
      const bytes = buffer.subarray(0, size);
      const sha256 = await this.read(body, bytes);
      return await work(bytes, sha256);
    } finally {
      if (buffer?.length === this.options.slot) this.spare.push(buffer);
      this.queue.release(claim);
      this.admitNext();
    }
  }

  /** The process ends: who waits or still sends is told to come back, what has arrived is stored. */
  onModuleDestroy(): void {
    this.ending.abort();
  }

  onApplicationShutdown(): void {
    this.spare = [];
  }

  private async admission(sender: string, room: number): Promise<Waiter> {
    return new Promise((resolve, reject) => {
      const { signal } = this.ending;
      const turnAway = (): void => {
        settle();
        this.queue.leave(waiter);
        reject(new Busy(comeBackAfter(Math.random())));
      };
      const timer = setTimeout(turnAway, this.options.waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', turnAway);
      };
      const waiter: Waiter = {
        sender,
        room,
        turnedAway: turnAway,
        admitted: () => {
          settle();
          resolve(waiter);
        },
      };
      signal.addEventListener('abort', turnAway, { once: true });
      this.queue.join(waiter)?.turnedAway();
      if (signal.aborted) turnAway();
      this.admitNext();
    });
  }

  private admitNext(): void {
    for (let next = this.queue.admit(); next !== undefined; next = this.queue.admit()) next.admitted();
  }

  private buffer(room: number): Buffer {
    if (room === this.options.slot) return this.spare.pop() ?? Buffer.allocUnsafeSlow(room);
    // An unusually large part: its room is that of the spare buffers, so they have to go.
    this.spare = [];
    return Buffer.allocUnsafeSlow(room);
  }

  /** Fills `bytes` from the body. @returns their SHA-256, made while they arrive */
  private async read(body: IncomingMessage, bytes: Buffer): Promise<Buffer> {
    const { idleMs, leastSpeed } = this.options;
    const { signal } = this.ending;
    const hash = createHash('sha256');
    let filled = 0;
    return new Promise((resolve, reject) => {
      const fail = (problem: Error): void => {
        settle();
        body.pause();
        reject(problem);
      };
      const onData = (chunk: Buffer): void => {
        idle.refresh();
        // The server's parser gives no more than the announced length; if it ever did, nothing behind the buffer is written.
        if (filled + chunk.length > bytes.length) return fail(new PartCutOff());
        chunk.copy(bytes, filled);
        hash.update(chunk);
        filled += chunk.length;
        discard(chunk);
      };
      const onEnd = (): void => {
        if (filled < bytes.length) return fail(new PartCutOff());
        settle();
        resolve(hash.digest());
      };
      const onCut = (): void => fail(new PartCutOff());
      const onSlow = (): void => fail(new PartTooSlow());
      const onEnding = (): void => fail(new Busy(comeBackAfter(Math.random())));
      const idle = setTimeout(onSlow, idleMs);
      const late = setTimeout(onSlow, idleMs + (bytes.length / leastSpeed) * 1000);
      const settle = (): void => {
        clearTimeout(idle);
        clearTimeout(late);
        signal.removeEventListener('abort', onEnding);
        body.off('data', onData).off('end', onEnd).off('close', onCut);
        // The listener for errors stays: a body that breaks after the answer must not end the process.
      };
      body.on('error', onCut).on('close', onCut).on('end', onEnd);
      signal.addEventListener('abort', onEnding, { once: true });
      if (signal.aborted) return onEnding();
      // Its sender may have gone while it waited.
      if (body.destroyed) return onCut();
      body.on('data', onData);
    });
  }
}
