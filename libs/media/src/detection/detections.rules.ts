import type { Box } from '../redaction-plan.js';

/** Of the area two boxes cover together, how much both cover: 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

/** Boxes that overlap by more than this show the same thing. */
export const SAME = 0.3;

/** The larger of two boxes that show the same thing stays: several cascades find one face. */
export function distinct<T extends Box>(boxes: readonly T[]): readonly T[] {
  const bySize = [...boxes].sort((a, b) => b.width * b.height - a.width * a.height);
  return bySize.filter((box, index) => bySize.slice(0, index).every((larger) => overlap(box, larger) <= SAME));
}

/**
 * Which of the things that are followed each find is: pairs of indexes, those that overlap most first, nobody twice. What is in no pair is new
 * or was not found this time.
 */
export function paired(
  followed: readonly Box[],
  found: readonly Box[],
): readonly { readonly followed: number; readonly found: number }[] {
  const candidates = followed
    .flatMap((a, i) => found.map((b, j) => ({ followed: i, found: j, overlap: overlap(a, b) })))
    .filter((pair) => pair.overlap > SAME)
    .sort((a, b) => b.overlap - a.overlap || a.followed - b.followed || a.found - b.found);
  const pairs: { followed: number; found: number }[] = [];
  for (const { followed: i, found: j } of candidates) {
    if (pairs.every((pair) => pair.followed !== i && pair.found !== j)) pairs.push({ followed: i, found: j });
  }
  return pairs;
}
