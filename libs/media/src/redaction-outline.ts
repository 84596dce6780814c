import type { OutlinePoint } from './redaction-plan.js';

const FEWEST_CORNERS = 3;
const MOST_CORNERS = 64;
const UNITS = 1000;

/** What is wrong with a polygon's outline, each a sentence's end ("its outline …"). Takes nothing for granted: plans come from outside. */
export function outlineFaults(outline: readonly OutlinePoint[]): string[] {
  if (outline.length < FEWEST_CORNERS || outline.length > MOST_CORNERS) {
    return [`its outline has ${outline.length} corners, where ${FEWEST_CORNERS} to ${MOST_CORNERS} are allowed.`];
  }
  const strange = outline.findIndex((corner) => corner.length !== 2 || !corner.every(isThousandth));
  if (strange !== -1) {
    return [`corner ${strange + 1} of its outline is not given in whole thousandths of the box, from 0 to ${UNITS}.`];
  }
  const crossing = firstCrossing(outline);
  if (crossing !== undefined && doubledArea(outline) !== 0) {
    return [`its outline crosses or touches itself (sides ${crossing[0] + 1} and ${crossing[1] + 1}).`];
  }
  return doubledArea(outline) === 0 ? ['its outline encloses no area.'] : [];
}

function isThousandth(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= UNITS;
}

function doubledArea(outline: readonly OutlinePoint[]): number {
  return outline.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = outline[(index + 1) % outline.length] as OutlinePoint;
    return sum + x * nextY - nextX * y;
  }, 0);
}

/** Sides are counted from the corner where they begin. Corners are whole numbers, so that every comparison is exact. */
function firstCrossing(outline: readonly OutlinePoint[]): [number, number] | undefined {
  const { length } = outline;
  const corner = (index: number): OutlinePoint => outline[index % length] as OutlinePoint;
  for (let one = 0; one < length; one += 1) {
    const [a, b] = [corner(one), corner(one + 1)];
    // A side of no length, or one that runs back along the side before it.
    if (a[0] === b[0] && a[1] === b[1]) return [one, (one + 1) % length];
    const c = corner(one + 2);
    const runsBack = turn(a, b, c) === 0 && (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0;
    if (runsBack) return [one, (one + 1) % length];
    for (let other = one + 2; other < length; other += 1) {
      const isNeighbour = one === 0 && other === length - 1;
      if (!isNeighbour && meet(a, b, corner(other), corner(other + 1))) return [one, other];
    }
  }
  return undefined;
}

function meet(a: OutlinePoint, b: OutlinePoint, c: OutlinePoint, d: OutlinePoint): boolean {
  const [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (
    (abc === 0 && within(a, b, c)) ||
    (abd === 0 && within(a, b, d)) ||
    (cda === 0 && within(c, d, a)) ||
    (cdb === 0 && within(c, d, b))
  );
}

/** Positive, negative or zero: to which side of the line from a to b c lies. */
function turn(a: OutlinePoint, b: OutlinePoint, c: OutlinePoint): number {
  return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
}

function within(a: OutlinePoint, b: OutlinePoint, point: OutlinePoint): boolean {
  return (
    Math.min(a[0], b[0]) <= point[0] &&
    point[0] <= Math.max(a[0], b[0]) &&
    Math.min(a[1], b[1]) <= point[1] &&
    point[1] <= Math.max(a[1], b[1])
  );
}
