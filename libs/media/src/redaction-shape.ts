import type { Box, OutlinePoint, RedactionRegion } from './redaction-plan.js';

/** Pixels [from, to) of one row of a plane. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A plane of a picture: `step` is how many of the picture's pixels one of its samples stands for in each direction, 1 for brightness, 2 for colour. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly step: 1 | 2;
}

/** Rows of a plane that a shape in this box can reach. */
export function rowsOf(box: Box, plane: Plane): Span {
  return {
    from: Math.max(0, Math.floor(box.y / plane.step)),
    to: Math.min(plane.height, Math.ceil((box.y + box.height) / plane.step)),
  };
}

/**
 * The samples of one row that belong to a region: of a rectangle all that it touches, even partly; of an ellipse or polygon those whose
 * centre lies inside. In order and apart from each other.
 *
 * @param box where the region is (`boxAt`), in pixels of the picture
 */
export function spansOf(region: RedactionRegion, box: Box, plane: Plane, row: number): readonly Span[] {
  switch (region.shape) {
    case 'rectangle':
      return cut([{ from: Math.floor(box.x / plane.step), to: Math.ceil((box.x + box.width) / plane.step) }], plane);
    case 'ellipse':
      return cut(centresWithin(ellipseChord(box, (row + 0.5) * plane.step), plane), plane);
    case 'polygon':
      return cut(centresWithin(polygonChords(region.outline ?? [], box, (row + 0.5) * plane.step), plane), plane);
  }
}

/** Where the line at height y runs inside the ellipse: its two ends, or none. */
function ellipseChord(box: Box, y: number): number[] {
  const [a, b] = [box.width / 2, box.height / 2];
  const part = (y - box.y - b) / b;
  if (!(Math.abs(part) < 1)) return [];
  const half = a * Math.sqrt(1 - part * part);
  return [box.x + a - half, box.x + a + half];
}

/** Where the line at height y enters and leaves the polygon, by turns (even-odd: an outline does not cross itself). */
function polygonChords(outline: readonly OutlinePoint[], box: Box, y: number): number[] {
  const corners = outline.map(([x, v]) => [box.x + (x * box.width) / 1000, box.y + (v * box.height) / 1000] as const);
  const crossings: number[] = [];
  corners.forEach(([x1, y1], index) => {
    const [x2, y2] = corners[(index + 1) % corners.length] as readonly [number, number];
    // Half open, so that a corner on the line counts once.
    if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  });
  return crossings.sort((a, b) => a - b);
}

/** Of each pair of ends, the samples whose centre lies between them. */
function centresWithin(ends: readonly number[], plane: Plane): Span[] {
  const spans: Span[] = [];
  for (let index = 0; index + 1 < ends.length; index += 2) {
    const first = (side: number): number => Math.ceil((ends[side] as number) / plane.step - 0.5);
    spans.push({ from: first(index), to: first(index + 1) });
  }
  return spans;
}

function cut(spans: readonly Span[], plane: Plane): readonly Span[] {
  return spans
    .map(({ from, to }) => ({ from: Math.max(0, from), to: Math.min(plane.width, to) }))
    .filter(({ from, to }) => from < to);
}
