import { Writable } from 'node:stream';

const RATE = 48_000;
const PEAKS_PER_SECOND = 10;

/**
 * `waveform.json`: the loudest sample of each tenth of a second of the sound, whichever channel it is in, from 0 (silence) to 255 (full scale).
 * The last may stand for less than a tenth.
 */
export interface Waveform {
  readonly version: 1;
  readonly peaksPerSecond: number;
  readonly peaks: readonly number[];
}

/**
 * Takes what ffmpeg decodes as it comes, and says by `ready` when it may go on.
 * 'close' is not emitted: fluent-ffmpeg takes it for a broken pipe and would end a good run with an error.
 */
export abstract class Flow extends Writable {
  constructor(private readonly ready: () => Promise<void>) {
    super({ autoDestroy: false, emitClose: false, highWaterMark: 1 << 18 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.inspect(chunk);
    this.ready().then(() => done(), done);
  }

  protected abstract inspect(chunk: Buffer): void;
}

/** Sound: 16 bit little-endian, 48 kHz. */
export class SoundFlow extends Flow {
  private readonly peaks: number[] = [];
  private current = 0;
  private values = 0;
  private half: number | undefined;
  private readonly valuesPerPeak: number;

  constructor(
    private readonly channels: 1 | 2,
    ready: () => Promise<void> = () => Promise.resolve(),
  ) {
    super(ready);
    this.valuesPerPeak = (RATE / PEAKS_PER_SECOND) * channels;
  }

  protected inspect(chunk: Buffer): void {
    let at = 0;
    if (this.half !== undefined && chunk.length > 0) {
      this.value((((chunk[0] ?? 0) << 24) >> 16) | this.half);
      this.half = undefined;
      at = 1;
    }
    for (; at + 1 < chunk.length; at += 2) this.value((((chunk[at + 1] ?? 0) << 24) >> 16) | (chunk[at] ?? 0));
    if (at < chunk.length) this.half = chunk[at];
  }

  get seconds(): number {
    return this.values / this.channels / RATE;
  }

  waveform(): Waveform {
    const open = this.values % this.valuesPerPeak === 0 ? [] : [loudness(this.current)];
    return { version: 1, peaksPerSecond: PEAKS_PER_SECOND, peaks: [...this.peaks, ...open] };
  }

  private value(sample: number): void {
    const size = sample < 0 ? -sample : sample;
    if (size > this.current) this.current = size;
    this.values += 1;
    if (this.values % this.valuesPerPeak !== 0) return;
    this.peaks.push(loudness(this.current));
    this.current = 0;
  }
}

/** Counts pictures of one size. */
export class PictureFlow extends Flow {
  private bytes = 0;

  constructor(
    private readonly bytesEach: number,
    ready: () => Promise<void> = () => Promise.resolve(),
  ) {
    super(ready);
  }

  protected inspect(chunk: Buffer): void {
    this.bytes += chunk.length;
  }

  get pictures(): number {
    return Math.floor(this.bytes / this.bytesEach);
  }
}

function loudness(size: number): number {
  return Math.min(255, Math.round((size * 255) / 32_767));
}
