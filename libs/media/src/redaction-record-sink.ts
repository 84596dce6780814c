import { Writable } from 'node:stream';

/**
 * Takes bytes in pieces of any size and hands on records of one size, from one buffer that is used again and again.
 * 'close' is not emitted: fluent-ffmpeg takes it for a broken pipe and would end a good run with an error.
 */
export abstract class RecordSink extends Writable {
  private readonly record: Buffer;
  private filled = 0;
  private count = 0;

  constructor(bytes: number) {
    super({ autoDestroy: false, emitClose: false, highWaterMark: 1 << 20 });
    this.record = Buffer.alloc(bytes);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (let from = 0; from < chunk.length;) {
      const taken = chunk.copy(this.record, this.filled, from);
      from += taken;
      this.filled += taken;
      if (this.filled < this.record.length) continue;
      this.inspect(this.record, this.count);
      this.count += 1;
      this.filled = 0;
    }
    done();
  }

  /** Records that came whole. */
  get records(): number {
    return this.count;
  }

  /** The beginning of a record that never came whole. */
  protected get rest(): Buffer {
    return this.record.subarray(0, this.filled);
  }

  protected abstract inspect(record: Buffer, index: number): void;
}
