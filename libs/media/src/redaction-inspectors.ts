import { Writable } from 'node:stream';
import { FILL } from './redaction-arguments.js';
import { boxAt } from './redaction-plan.js';
import type { Box, RedactionMute, RedactionRegion } from './redaction-plan.js';

/**
 * What lossy coding may leave in a flat fill: up to 10 levels in single pixels beside what moves (measured), nothing to speak of on average.
 * The average is what a faint picture shining through would raise; small boxes have none worth the name.
 */
const PIXEL_TOLERANCE = 16;
const MEAN_TOLERANCE = 1;
const MEAN_NEEDS_PIXELS = 256;
/** -60 dB of full scale. */
const SILENCE = 0.001;

/**
 * Takes bytes in pieces of any size and hands on records of one size, from one buffer that is used again and again.
 * 'close' is not emitted: fluent-ffmpeg takes it for a broken pipe and would end a good run with an error.
 */
abstract class RecordSink extends Writable {
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

/** Takes raw yuv420p frames and compares every region with the fill. */
export class FrameInspector extends RecordSink {
  private readonly bad = new Map<number, { frame: number; frames: number; pixels: number }>();

  constructor(
    private readonly regions: readonly RedactionRegion[],
    private readonly size: { readonly width: number; readonly height: number },
    /** Of each frame in the source, ms: what the plan's times mean. */
    private readonly times: Float64Array,
  ) {
    super((size.width * size.height * 3) / 2);
  }

  faults(): string[] {
    const faults = [...this.bad].map(([region, { frame, frames, pixels }]) => {
      const atMs = Math.round(this.times[frame] ?? 0);
      return `Region ${region + 1} is not covered in ${frames} frames, first in frame ${frame} at ${atMs} ms (${pixels} pixels there).`;
    });
    if (this.records !== this.times.length)
      faults.push(`${this.records} frames could be decoded where ${this.times.length} were expected.`);
    return faults;
  }

  protected override inspect(record: Buffer, index: number): void {
    const atMs = this.times[index];
    if (atMs === undefined) return;
    this.regions.forEach((region, number) => {
      const box = boxAt(region, atMs);
      if (box === null) return;
      const pixels = this.uncovered(record, box);
      if (pixels === 0) return;
      const before = this.bad.get(number);
      if (before === undefined) this.bad.set(number, { frame: index, frames: 1, pixels });
      else before.frames += 1;
    });
  }

  private uncovered(record: Buffer, box: Box): number {
    const { width, height } = this.size;
    const luma = width * height;
    // Every pixel that the box touches, even partly.
    const left = Math.floor(box.x);
    const top = Math.floor(box.y);
    const right = Math.min(width, Math.ceil(box.x + box.width));
    const bottom = Math.min(height, Math.ceil(box.y + box.height));
    const half = { left: left >> 1, top: top >> 1, right: (right + 1) >> 1, bottom: (bottom + 1) >> 1 };
    return (
      strange(record, 0, width, { left, top, right, bottom }, FILL.y) +
      strange(record, luma, width / 2, half, FILL.u) +
      strange(record, luma + luma / 4, width / 2, half, FILL.v)
    );
  }
}

interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pixels of one plane that are not the fill; all of them when they differ from it on average. */
function strange(record: Buffer, offset: number, stride: number, edges: Edges, fill: number): number {
  let count = 0;
  let sum = 0;
  for (let y = edges.top; y < edges.bottom; y += 1) {
    const row = offset + y * stride;
    for (let x = row + edges.left; x < row + edges.right; x += 1) {
      const difference = Math.abs((record[x] as number) - fill);
      sum += difference;
      if (difference > PIXEL_TOLERANCE) count += 1;
    }
  }
  const pixels = (edges.right - edges.left) * (edges.bottom - edges.top);
  return pixels >= MEAN_NEEDS_PIXELS && sum / pixels > MEAN_TOLERANCE ? pixels : count;
}

const CHANNELS = 2;
const SAMPLE_BYTES = 4 * CHANNELS;
const BLOCK_SAMPLES = 4096;

/** Takes interleaved 32-bit float samples of two channels and looks for sound within the mutes. */
export class SoundInspector extends RecordSink {
  private readonly loudest: Float64Array;
  private readonly spans: readonly { readonly from: number; readonly to: number }[];

  constructor(
    private readonly mutes: readonly RedactionMute[],
    rate: number,
  ) {
    super(BLOCK_SAMPLES * SAMPLE_BYTES);
    this.loudest = new Float64Array(mutes.length);
    this.spans = mutes.map(({ fromMs, toMs }) => ({
      from: Math.floor((fromMs * rate) / 1000),
      to: Math.ceil((toMs * rate) / 1000),
    }));
  }

  override _final(done: () => void): void {
    this.inspect(this.rest, this.records);
    done();
  }

  faults(): string[] {
    return this.mutes.flatMap(({ fromMs, toMs }, index) => {
      const peak = this.loudest[index] ?? 0;
      if (peak < SILENCE) return [];
      return [`Mute ${index + 1} (${fromMs} to ${toMs} ms) is not silent: ${(20 * Math.log10(peak)).toFixed(1)} dB.`];
    });
  }

  protected override inspect(block: Buffer, index: number): void {
    const first = index * BLOCK_SAMPLES;
    const end = first + Math.floor(block.length / SAMPLE_BYTES);
    this.spans.forEach(({ from, to }, number) => {
      for (let sample = Math.max(from, first); sample < Math.min(to, end); sample += 1) {
        const at = (sample - first) * SAMPLE_BYTES;
        this.hear(number, block.readFloatLE(at));
        this.hear(number, block.readFloatLE(at + 4));
      }
    });
  }

  private hear(mute: number, sample: number): void {
    // What is not a number is not silence.
    const level = Number.isNaN(sample) ? 1 : Math.abs(sample);
    if (level > (this.loudest[mute] ?? 0)) this.loudest[mute] = level;
  }
}
