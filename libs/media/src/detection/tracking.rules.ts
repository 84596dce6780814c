import type { Box, Keyframe } from '../redaction-plan.js';
import { visiblePart, type Size } from './median-flow.rules.js';

/** Where something is at a time, in pixels of the recording and not yet rounded. */
export interface Sample extends Box {
  /** Milliseconds from the start of the recording. */
  readonly atMs: number;
}

/** How far a box may stray from where it was seen when it is drawn from fewer keyframes, in pixels of the recording. */
export const THINNING_PIXELS = 2;

/**
 * As few of the samples as describe the way of a box within a tolerance: between two that are kept, every edge of every sample that was left
 * out lies within `tolerance` of the line between them (Douglas and Peucker, over time). First and last are always kept.
 *
 * @param samples in ascending order of time
 */
export function thinned(samples: readonly Sample[], tolerance: number): readonly Sample[] {
  if (samples.length <= 2) return samples;
  const keep = new Set([0, samples.length - 1]);
  const spans: [number, number][] = [[0, samples.length - 1]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [first, last] = span;
    let worst = { index: -1, distance: tolerance };
    for (let index = first + 1; index < last; index += 1) {
      const distance = astray(samples[index] as Sample, samples[first] as Sample, samples[last] as Sample);
      if (distance > worst.distance) worst = { index, distance };
    }
    if (worst.index === -1) continue;
    keep.add(worst.index);
    spans.push([first, worst.index], [worst.index, last]);
  }
  return [...keep].sort((a, b) => a - b).map((index) => samples[index] as Sample);
}

/** How far the edges of a sample are from where they would be drawn, at most. */
function astray(sample: Sample, from: Sample, to: Sample): number {
  const part = (sample.atMs - from.atMs) / (to.atMs - from.atMs);
  const off = (edge: (box: Box) => number): number => Math.abs(edge(sample) - (edge(from) + (edge(to) - edge(from)) * part));
  return Math.max(
    off(({ x }) => x),
    off(({ y }) => y),
    off(({ x, width }) => x + width),
    off(({ y, height }) => y + height),
  );
}

/**
 * Keyframes a plan can hold: fewer than the samples, larger than them on every side (a tenth of the size, at least twice what thinning may
 * take away), whole numbers, inside the picture. They cover what was tracked, and somewhat more.
 *
 * @returns at least two, or none when nothing of it is inside the picture
 */
export function keyframesOf(samples: readonly Sample[], picture: Size): readonly Keyframe[] {
  const padded = samples.map((sample) => {
    const margin = (side: number): number => Math.max(2 * THINNING_PIXELS, side / 10);
    const [across, down] = [margin(sample.width), margin(sample.height)];
    const larger = {
      x: sample.x - across,
      y: sample.y - down,
      width: sample.width + 2 * across,
      height: sample.height + 2 * down,
    };
    return { atMs: sample.atMs, ...visiblePart(larger, picture) };
  });
  const visible = padded.filter(({ width, height }) => width >= 1 && height >= 1);
  const keyframes: Keyframe[] = [];
  for (const sample of thinned(visible, THINNING_PIXELS)) {
    const atMs = Math.round(sample.atMs);
    if (atMs <= (keyframes.at(-1)?.atMs ?? -1)) continue;
    const x = Math.floor(sample.x);
    const y = Math.floor(sample.y);
    const width = Math.min(picture.width, Math.ceil(sample.x + sample.width)) - x;
    const height = Math.min(picture.height, Math.ceil(sample.y + sample.height)) - y;
    keyframes.push({ atMs, x, y, width, height });
  }
  const [only] = keyframes;
  if (only === undefined || keyframes.length > 1) return keyframes;
  // A millisecond earlier rather than later, where the recording may have ended.
  return only.atMs > 0 ? [{ ...only, atMs: only.atMs - 1 }, only] : [only, { ...only, atMs: 1 }];
}

/** What is wrong with a box somebody drew, or with the time it is to be followed through; empty when nothing is. */
export function trackingFaults(
  asked: { readonly box: Box; readonly atMs: number; readonly untilMs: number },
  recording: { readonly durationMs: number; readonly width: number; readonly height: number },
): readonly string[] {
  const { box, atMs, untilMs } = asked;
  const faults = spanFaults(atMs, untilMs, recording.durationMs);
  if (!(box.width >= SMALLEST_BOX && box.height >= SMALLEST_BOX))
    faults.push(`The box is ${box.width}×${box.height} pixels; one under ${SMALLEST_BOX}×${SMALLEST_BOX} cannot be followed.`);
  const outside = box.x < 0 || box.y < 0 || box.x + box.width > recording.width || box.y + box.height > recording.height;
  if (outside) faults.push(`The box reaches outside the picture of ${recording.width}×${recording.height} pixels.`);
  return faults;
}

/** What is wrong with a span of a recording; empty when nothing is. */
export function spanFaults(fromMs: number, untilMs: number, durationMs: number): string[] {
  const faults: string[] = [];
  if (untilMs <= fromMs) faults.push(`The end at ${untilMs} ms is not after the beginning at ${fromMs} ms.`);
  if (untilMs > durationMs) faults.push(`The end at ${untilMs} ms is beyond the end of the recording at ${durationMs} ms.`);
  return faults;
}

const SMALLEST_BOX = 8;
