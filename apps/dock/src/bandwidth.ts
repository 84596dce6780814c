import { setTimeout as delay } from 'node:timers/promises';
import { fullBucket, pieceOf, take, type Bucket, type Cap } from './bandwidth.rules.js';

/** One cap on all that this dock sends. */
export class Bandwidth {
  /** Bytes to write at once. */
  readonly piece: number;
  private bucket: Bucket;

  constructor(private readonly cap: Cap) {
    this.piece = pieceOf(cap);
    this.bucket = fullBucket(cap, performance.now());
  }

  /** Waits until these bytes may go. */
  async pass(bytes: number, signal?: AbortSignal): Promise<void> {
    const { bucket, waitMs } = take(this.bucket, bytes, performance.now(), this.cap);
    this.bucket = bucket;
    if (waitMs > 0) await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}
