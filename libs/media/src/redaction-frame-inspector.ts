import { FILL } from './redaction-arguments.js';
import { DetailMeter } from './redaction-detail.js';
import { boxAt } from './redaction-plan.js';
import type { Box, RedactionRegion } from './redaction-plan.js';
import { RecordSink } from './redaction-record-sink.js';
import { rowsOf, spansOf } from './redaction-shape.js';
import type { Plane } from './redaction-shape.js';

/**
 * What lossy coding may leave in a flat fill: up to 10 levels in single pixels beside what moves (measured), nothing to speak of on average.
 * The average is what a faint picture shining through would raise; small shapes have none worth the name.
 */
const PIXEL_TOLERANCE = 16;
const MEAN_TOLERANCE = 1;
const MEAN_NEEDS_PIXELS = 256;
/**
 * In a square of eight by eight, or in a row: measured up to 3 on average beside noise and hard edges that move. At night a face lies within
 * PIXEL_TOLERANCE of black, and a part of it left open raises the average of a large region by nothing.
 */
const PART_TOLERANCE = 6;
const PART_NEEDS_PIXELS = 16;

/** Side of the squares in which is noted what lies over a mosaic or blur, and how many further squares its edge may reach. */
const SQUARE = 8;
const EDGE_SQUARES = 2;

/** What is wrong with a region in one frame. */
interface Finding {
  readonly pixels: number;
  readonly x: number;
  readonly y: number;
}

type Planes = readonly [Layer, Layer, Layer];
interface Layer {
  readonly plane: Plane;
  readonly offset: number;
  readonly fill: number;
  readonly band: Band;
}

/** Which style is laid over which: a style's check leaves out what those of higher rank cover. */
const RANK = { mosaic: 0, blur: 1, solid: 2 } as const;

/** Takes raw yuv420p frames and compares every region with what its style allows: the fill, or nothing finer than blocks. */
export class FrameInspector extends RecordSink {
  private readonly bad = new Map<number, Finding & { readonly frame: number; frames: number }>();
  private readonly layers: Planes;
  private readonly meters: Readonly<Record<'mosaic' | 'blur', readonly DetailMeter[]>>;
  private readonly isMixed: boolean;
  /** Of each square of the picture, one more than the highest rank that covers it or its neighbourhood; in this frame. */
  private readonly covered: Uint8Array;
  private readonly squares: { readonly across: number; readonly down: number };

  constructor(
    private readonly regions: readonly RedactionRegion[],
    size: { readonly width: number; readonly height: number },
    /** Of each frame in the recording, ms: what the plan's times mean. */
    private readonly times: Float64Array,
  ) {
    super((size.width * size.height * 3) / 2);
    const pixels = size.width * size.height;
    const bright: Plane = { ...size, step: 1 };
    const colour: Plane = { width: size.width / 2, height: size.height / 2, step: 2 };
    this.layers = [
      { plane: bright, offset: 0, fill: FILL.y, band: new Band(bright.width) },
      { plane: colour, offset: pixels, fill: FILL.u, band: new Band(colour.width) },
      { plane: colour, offset: pixels + pixels / 4, fill: FILL.v, band: new Band(colour.width) },
    ];
    const used = new Set(regions.map((region) => region.style ?? 'solid'));
    const meters = (style: 'mosaic' | 'blur'): DetailMeter[] =>
      used.has(style) ? this.layers.map(({ plane }) => new DetailMeter(plane, style, size)) : [];
    this.meters = { mosaic: meters('mosaic'), blur: meters('blur') };
    this.isMixed = used.size > 1;
    this.squares = { across: Math.ceil(size.width / SQUARE), down: Math.ceil(size.height / SQUARE) };
    this.covered = new Uint8Array(this.isMixed ? this.squares.across * this.squares.down : 0);
  }

  /** One sentence for each region that is not covered as it should be, with its first frame (counted from 0) and the recording's own time. */
  faults(): string[] {
    const faults = [...this.bad].map(([region, { frame, frames, pixels, x, y }]) => {
      const style = this.regions[region]?.style ?? 'solid';
      const what = style === 'solid' ? 'is not covered' : `shows more than its ${style} may`;
      const first = `first in frame ${frame} at ${((this.times[frame] ?? 0) / 1000).toFixed(3)} s`;
      return `Region ${region + 1} ${what} in ${frames} frames, ${first}: ${pixels} pixels around (${x}, ${y}).`;
    });
    if (this.records !== this.times.length)
      faults.push(`${this.records} frames could be decoded where ${this.times.length} were expected.`);
    return faults;
  }

  protected override inspect(record: Buffer, index: number): void {
    const atMs = this.times[index];
    if (atMs === undefined) return;
    const boxes = this.regions.map((region) => boxAt(region, atMs));
    if (this.isMixed) this.noteCovers(boxes);
    boxes.forEach((box, number) => {
      const region = this.regions[number];
      if (box === null || region === undefined) return;
      const style = region.style ?? 'solid';
      const finding = style === 'solid' ? this.uncovered(record, region, box) : this.rough(record, region, style, box);
      if (finding === null) return;
      const before = this.bad.get(number);
      if (before === undefined) this.bad.set(number, { ...finding, frame: index, frames: 1 });
      else before.frames += 1;
    });
  }

  private uncovered(record: Buffer, region: RedactionRegion, box: Box): Finding | null {
    const sum = { pixels: 0, x: 0, y: 0 };
    for (const layer of this.layers) addStrange(record, layer, region, box, sum);
    return sum.pixels === 0 ? null : middleOf(sum);
  }

  private rough(record: Buffer, region: RedactionRegion, style: 'mosaic' | 'blur', box: Box): Finding | null {
    const sum = { pixels: 0, x: 0, y: 0 };
    this.layers.forEach(({ plane, offset }, index) => {
      const isHidden = (x: number, y: number): boolean => this.rankAt(x * plane.step, y * plane.step) > RANK[style];
      const meter = this.meters[style][index];
      for (const block of meter?.rough(record, offset, region, box, this.isMixed ? isHidden : undefined) ?? []) {
        sum.pixels += block.pixels;
        sum.x += block.x * block.pixels;
        sum.y += block.y * block.pixels;
      }
    });
    return sum.pixels === 0 ? null : middleOf(sum);
  }

  private rankAt(x: number, y: number): number {
    return (this.covered[Math.floor(y / SQUARE) * this.squares.across + Math.floor(x / SQUARE)] ?? 0) - 1;
  }

  private noteCovers(boxes: readonly (Box | null)[]): void {
    this.covered.fill(0);
    boxes.forEach((box, number) => {
      const region = this.regions[number];
      if (box === null || region === undefined || (region.style ?? 'solid') === 'mosaic') return;
      const { plane } = this.layers[0];
      const rows = rowsOf(box, plane);
      for (let y = rows.from; y < rows.to; y += 1) {
        for (const { from, to } of spansOf(region, box, plane, y)) this.noteCover(RANK[region.style ?? 'solid'] + 1, from, to, y);
      }
    });
  }

  private noteCover(mark: number, from: number, to: number, y: number): void {
    const { across, down } = this.squares;
    const square = (value: number, step: number, most: number): number =>
      Math.min(most - 1, Math.max(0, Math.floor(value / SQUARE) + step));
    const [left, right] = [square(from, -EDGE_SQUARES, across), square(to - 1, EDGE_SQUARES, across)];
    for (let row = square(y, -EDGE_SQUARES, down); row <= square(y, EDGE_SQUARES, down); row += 1) {
      for (let column = left; column <= right; column += 1) {
        const at = row * across + column;
        if ((this.covered[at] as number) < mark) this.covered[at] = mark;
      }
    }
  }
}

/** Adds a plane's pixels that are not the fill; all of the region's when they differ from it on average. */
function addStrange(
  record: Buffer,
  { plane, offset, fill, band }: Layer,
  region: RedactionRegion,
  box: Box,
  sum: { pixels: number; x: number; y: number },
): void {
  const all = { pixels: 0, x: 0, y: 0 };
  const strange = { pixels: 0, x: 0, y: 0 };
  let difference = 0;
  const rows = rowsOf(box, plane);
  for (let y = rows.from; y < rows.to; y += 1) {
    const row = offset + y * plane.width;
    for (const { from, to } of spansOf(region, box, plane, y)) {
      let inRow = 0;
      band.widen(from, to);
      for (let x = from; x < to; x += 1) {
        const off = Math.abs((record[row + x] as number) - fill);
        if (off === 0) continue;
        inRow += off;
        band.raise(x, off);
        if (off > PIXEL_TOLERANCE) add(strange, 1, x, y);
      }
      difference += inRow;
      if (to - from >= PART_NEEDS_PIXELS && inRow / (to - from) > PART_TOLERANCE) add(strange, to - from, (from + to - 1) / 2, y);
      add(all, to - from, (from + to - 1) / 2, y);
    }
    if (y % SQUARE === SQUARE - 1 || y === rows.to - 1) band.end(y, strange);
  }
  const found = all.pixels >= MEAN_NEEDS_PIXELS && difference / all.pixels > MEAN_TOLERANCE ? all : strange;
  sum.pixels += found.pixels;
  sum.x += found.x * plane.step;
  sum.y += found.y * plane.step;
}

/** Eight rows of a plane, in squares: what differs from the fill, and of how many pixels. */
class Band {
  private readonly difference: Uint32Array;
  private readonly pixels: Uint32Array;
  /** Squares that were touched. */
  private first = Infinity;
  private last = -1;

  constructor(width: number) {
    this.difference = new Uint32Array(Math.ceil(width / SQUARE));
    this.pixels = new Uint32Array(this.difference.length);
  }

  /** These pixels of a row belong to the region. */
  widen(from: number, to: number): void {
    this.first = Math.min(this.first, Math.floor(from / SQUARE));
    this.last = Math.max(this.last, Math.floor((to - 1) / SQUARE));
    for (let square = Math.floor(from / SQUARE); square * SQUARE < to; square += 1) {
      const overlap = Math.min(to, (square + 1) * SQUARE) - Math.max(from, square * SQUARE);
      this.pixels[square] = (this.pixels[square] as number) + overlap;
    }
  }

  raise(x: number, by: number): void {
    const square = Math.floor(x / SQUARE);
    this.difference[square] = (this.difference[square] as number) + by;
  }

  end(y: number, strange: { pixels: number; x: number; y: number }): void {
    for (let square = this.first; square <= this.last; square += 1) {
      const [pixels, difference] = [this.pixels[square] as number, this.difference[square] as number];
      if (pixels >= PART_NEEDS_PIXELS && difference / pixels > PART_TOLERANCE)
        add(strange, pixels, square * SQUARE + SQUARE / 2, y - SQUARE / 2);
      this.pixels[square] = this.difference[square] = 0;
    }
    [this.first, this.last] = [Infinity, -1];
  }
}

function add(sum: { pixels: number; x: number; y: number }, pixels: number, x: number, y: number): void {
  sum.pixels += pixels;
  sum.x += pixels * x;
  sum.y += pixels * y;
}

function middleOf({ pixels, x, y }: { pixels: number; x: number; y: number }): Finding {
  return { pixels, x: Math.round(x / pixels), y: Math.round(y / pixels) };
}
