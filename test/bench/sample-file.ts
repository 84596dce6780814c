import { createHash, randomBytes, type Hash } from 'node:crypto';

const BLOCK = 8 * 2 ** 20;
/** The last bytes of every sample file: what makes it another file. */
const MARK = 32;

/**
 * A video of any size that takes no room: a short clip and a `free` box (ISO/IEC 14496-12 §8.1.2) that repeats one random block. Two of them differ
 * in their last bytes, so that the next one's hash costs nothing.
 */
export class SampleFiles {
  private readonly block = randomBytes(BLOCK);
  private readonly begin: Buffer;
  private readonly hash: Hash;

  constructor(
    clip: Buffer,
    /** Bytes; a `free` box is smaller than 4 GiB. */
    readonly size: number,
  ) {
    const box = Buffer.alloc(8);
    box.writeUInt32BE(size - clip.length, 0);
    box.write('free', 4, 'latin1');
    this.begin = Buffer.concat([clip, box]);
    this.hash = createHash('sha256');
    for (let start = 0; start < size - MARK; start += BLOCK) {
      this.hash.update(this.common(start, Math.min(start + BLOCK, size - MARK)));
    }
  }

  next(): SampleFile {
    const mark = randomBytes(MARK);
    const sha256 = this.hash.copy().update(mark).digest('hex');
    return { size: this.size, sha256, read: (start, end) => this.read(start, end, mark) };
  }

  private read(start: number, end: number, mark: Buffer): Buffer {
    const last = this.size - MARK;
    if (end <= last) return this.common(start, end);
    return Buffer.concat([this.common(start, last), mark]).subarray(0, end - start);
  }

  private common(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    let at = start < this.begin.length ? this.begin.copy(bytes, 0, start) : 0;
    while (at < bytes.length) at += this.block.copy(bytes, at, (start + at - this.begin.length) % BLOCK);
    return bytes;
  }
}

export interface SampleFile {
  readonly size: number;
  /** Lowercase hexadecimal. */
  readonly sha256: string;
  /** Bytes from `start` up to, not including, `end`. */
  readonly read: (start: number, end: number) => Buffer;
}
