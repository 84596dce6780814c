import type { Box } from '../redaction-plan.js';
import type { GreyFrame } from './grey-frame.js';
import type { Flow } from './vision.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

const GRID = 9;
const PATCH = 24;
/** A point that lands further from home than this, in pixels, has followed something else. */
const STRAYED_TOO_FAR = 1.5;
/** Of the points that were followed: with fewer nothing can be said. */
const FEWEST_KEPT = 0.2;
const FEWEST_POINTS = 6;
/** Nothing on a street doubles its size in a tenth of a second. */
const LARGEST_STEP = 1.12;
const SEARCH_PIXELS = 6;

/** Points spread evenly over the part of a box that is in the picture: x and y in turn. Empty when hardly any of it is. */
export function gridPoints(box: Box, size: Size): Float32Array {
  const visible = visiblePart(box, size);
  if (visible.width < 4 || visible.height < 4) return new Float32Array(0);
  const points = new Float32Array(GRID * GRID * 2);
  for (let row = 0; row < GRID; row += 1) {
    for (let column = 0; column < GRID; column += 1) {
      const at = (row * GRID + column) * 2;
      points[at] = visible.x + ((column + 0.5) * visible.width) / GRID;
      points[at + 1] = visible.y + ((row + 0.5) * visible.height) / GRID;
    }
  }
  return points;
}

/**
 * Median flow (Kalal 2010): where a box goes when most of its points move together. The median ignores the minority that follows the
 * background or noise.
 *
 * @returns null when too few points could be followed there and back
 */
export function carried(box: Box, from: Float32Array, flow: Flow): { readonly box: Box; readonly kept: number } | null {
  const count = from.length / 2;
  const limit = Math.min(STRAYED_TOO_FAR, Math.max(0.05, median([...flow.strayed])));
  const kept = Array.from({ length: count }, (_, index) => index).filter((index) => (flow.strayed[index] ?? Infinity) <= limit);
  if (kept.length < Math.max(FEWEST_POINTS, count * FEWEST_KEPT)) return null;
  const x = (points: Float32Array, index: number): number => points[2 * index] ?? 0;
  const y = (points: Float32Array, index: number): number => points[2 * index + 1] ?? 0;
  const dx = median(kept.map((index) => x(flow.points, index) - x(from, index)));
  const dy = median(kept.map((index) => y(flow.points, index) - y(from, index)));
  const ratios: number[] = [];
  // Each with one far from it: neighbours say little of size.
  for (let i = 0; i < kept.length; i += 1) {
    const [a, b] = [kept[i] ?? 0, kept[(i + (kept.length >> 1)) % kept.length] ?? 0];
    const before = Math.hypot(x(from, a) - x(from, b), y(from, a) - y(from, b));
    const after = Math.hypot(x(flow.points, a) - x(flow.points, b), y(flow.points, a) - y(flow.points, b));
    if (before > 2) ratios.push(after / before);
  }
  const grown = Math.min(LARGEST_STEP, Math.max(1 / LARGEST_STEP, ratios.length === 0 ? 1 : median(ratios)));
  const width = box.width * grown;
  const height = box.height * grown;
  const moved = {
    x: box.x + dx - (width - box.width) / 2,
    y: box.y + dy - (height - box.height) / 2,
    width,
    height,
  };
  return { box: moved, kept: kept.length / count };
}

/** What a box looks like, sampled on a grid of 24 × 24; NaN where it lies outside the picture. */
export type Patch = Float32Array;

export function patchOf(frame: GreyFrame, box: Box): Patch {
  const patch = new Float32Array(PATCH * PATCH);
  for (let row = 0; row < PATCH; row += 1) {
    const y = Math.round(box.y + ((row + 0.5) * box.height) / PATCH - 0.5);
    for (let column = 0; column < PATCH; column += 1) {
      const x = Math.round(box.x + ((column + 0.5) * box.width) / PATCH - 0.5);
      const inside = x >= 0 && y >= 0 && x < frame.width && y < frame.height;
      patch[row * PATCH + column] = inside ? (frame.pixels[y * frame.width + x] ?? NaN) : NaN;
    }
  }
  return patch;
}

/**
 * Normalised cross-correlation of two patches where both are in the picture: 1 is the same but for brightness and contrast, 0 is nothing in
 * common. 0 as well when less than a quarter can be compared. Two flat patches are alike.
 */
export function likeness(a: Patch, b: Patch): number {
  let [n, sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [p, q] = [a[i] ?? NaN, b[i] ?? NaN];
    if (Number.isNaN(p) || Number.isNaN(q)) continue;
    n += 1;
    sumA += p;
    sumB += q;
    sumAA += p * p;
    sumBB += q * q;
    sumAB += p * q;
  }
  if (n < a.length / 4) return 0;
  const varianceA = sumAA - (sumA * sumA) / n;
  const varianceB = sumBB - (sumB * sumB) / n;
  const flat = n; // one level of grey
  if (varianceA < flat && varianceB < flat) return Math.abs(sumA - sumB) / n < 16 ? 1 : 0;
  if (varianceA < flat || varianceB < flat) return 0;
  return Math.max(-1, Math.min(1, (sumAB - (sumA * sumB) / n) / Math.sqrt(varianceA * varianceB)));
}

/** Looks around a box for the place that is most like the patch: small errors of the flow add up from picture to picture, this takes them back. */
export function settled(frame: GreyFrame, box: Box, anchor: Patch): { readonly box: Box; readonly likeness: number } {
  let best = { box, likeness: likeness(anchor, patchOf(frame, box)) };
  const tried = (dx: number, dy: number): void => {
    const moved = { ...box, x: box.x + dx, y: box.y + dy };
    const alike = likeness(anchor, patchOf(frame, moved));
    if (alike > best.likeness + 0.005) best = { box: moved, likeness: alike };
  };
  for (let dy = -SEARCH_PIXELS; dy <= SEARCH_PIXELS; dy += 2) {
    for (let dx = -SEARCH_PIXELS; dx <= SEARCH_PIXELS; dx += 2) tried(dx, dy);
  }
  const { x, y } = best.box;
  for (let dy = -1; dy <= 1; dy += 1) for (let dx = -1; dx <= 1; dx += 1) tried(x - box.x + dx, y - box.y + dy);
  return best;
}

export function visiblePart(box: Box, size: Size): Box {
  const x = Math.max(0, Math.min(size.width, box.x));
  const y = Math.max(0, Math.min(size.height, box.y));
  const right = Math.max(x, Math.min(size.width, box.x + box.width));
  const bottom = Math.max(y, Math.min(size.height, box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Of a box's area, how much is in the picture: 0 to 1. */
export function visibleShare(box: Box, size: Size): number {
  const visible = visiblePart(box, size);
  const area = box.width * box.height;
  return area > 0 ? (visible.width * visible.height) / area : 0;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
