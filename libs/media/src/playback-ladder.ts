/** One size of the playback rendition. */
export interface Rung {
  /** Also the beginning of its files' names: the short side's lines, as players show it, e.g. `720p`. */
  readonly name: string;
  /** Pixels; even, as H.264 in 4:2:0 needs. */
  readonly width: number;
  readonly height: number;
  /** Peak of the picture's bit rate in kbit/s, as it is told the encoder. */
  readonly maxKbps: number;
}

const BOXES = [
  { long: 1920, short: 1080 },
  { long: 1280, short: 720 },
  { long: 640, short: 360 },
] as const;
const PEAKS = [
  { upTo: 400, maxKbps: 1000 },
  { upTo: 576, maxKbps: 2000 },
  { upTo: 800, maxKbps: 4000 },
  { upTo: Infinity, maxKbps: 6000 },
] as const;
const STEADY_RATES = [5, 8, 10, 12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60];

/**
 * The sizes to play a picture in, largest first: it is fitted into 1920×1080, 1280×720 and 640×360 (standing pictures into the same, standing),
 * never enlarged. What would have to be is replaced, once, by the picture's own size.
 */
export function ladderOf(width: number, height: number): readonly [Rung, ...Rung[]] {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  const fitted = BOXES.map((box) => rung(width, height, Math.min(1, box.long / long, box.short / short)));
  const [largest = rung(width, height, 1), ...others] = fitted;
  // By name: files of two rungs must not share theirs, and a picture a few lines high has no smaller self.
  const distinct = others.filter(({ name }, at) => ![largest, ...others.slice(0, at)].some((above) => above.name === name));
  return [largest, ...distinct];
}

/**
 * A constant rate: segment lengths are added up from frame durations, which are not known where the rate varies. A steady source
 * keeps its own rate, up to 60.
 */
export function playbackRate(frameRate: string): string {
  const rate = framesPerSecond(frameRate);
  if (STEADY_RATES.some((steady) => Math.abs(rate / steady - 1) < 0.002)) return frameRate;
  return rate > 30 ? '60' : '30';
}

/** Of a fraction, e.g. `30000/1001`; NaN where it is none. */
export function framesPerSecond(frameRate: string): number {
  const [frames = 0, seconds = 1] = frameRate.split('/').map(Number);
  return frames / seconds;
}

function rung(width: number, height: number, ratio: number): Rung {
  const [w, h] = [even(width * ratio), even(height * ratio)];
  const short = Math.min(w, h);
  const maxKbps = PEAKS.find(({ upTo }) => short <= upTo)?.maxKbps ?? 6000;
  return { name: `${short}p`, width: w, height: h, maxKbps };
}

export function even(pixels: number): number {
  return Math.max(2, Math.floor(pixels / 2) * 2);
}
