import type { FileHandle } from 'node:fs/promises';
import { discard } from './spent-chunk.js';

const BATCH_BYTES = 1024 * 1024;

/** Writes chunks to a file, many at a time, while the next are gathered, and discards them. Holds two batches at most. */
export class BatchedWriting {
  private batch: Buffer[] = [];
  private bytes = 0;
  private writing: Promise<void> | undefined;

  constructor(private readonly file: FileHandle) {}

  /** @returns what to wait for before the next chunk, if anything. @throws Error when the file takes no more (a full disk: ENOSPC) */
  add(chunk: Buffer): Promise<void> | undefined {
    this.batch.push(chunk);
    this.bytes += chunk.length;
    return this.bytes < BATCH_BYTES ? undefined : this.flush();
  }

  async end(): Promise<void> {
    await this.flush();
    await this.writing;
  }

  private async flush(): Promise<void> {
    await this.writing;
    const { batch, bytes } = this;
    [this.batch, this.bytes] = [[], 0];
    if (bytes > 0) this.writing = this.write(batch, bytes);
    // Awaited with the next batch; until then a fault is kept, not thrown at nobody.
    this.writing?.catch(() => undefined);
  }

  private async write(batch: Buffer[], bytes: number): Promise<void> {
    const { bytesWritten } = await this.file.writev(batch);
    // A copy that is shorter than what was hashed would be judged in its place.
    if (bytesWritten !== bytes) throw new Error('the work folder took only a part of what was written to it');
    for (const chunk of batch) discard(chunk);
  }
}
