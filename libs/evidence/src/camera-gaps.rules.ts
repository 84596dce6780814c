/** Numbers of one camera that follow one another by one when its recordings are put in the order of their times. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Numbers, both ends included. */
export interface Numbers {
  readonly from: number;
  readonly to: number;
}

/** Recordings that the camera must have made, between two that were seen, and that nobody announced. */
export interface Missing extends Numbers {
  readonly after: Date;
  readonly before: Date;
}

/** Used by more than one file, of which the first was made at or after the one time, and the last at or before the other. */
export interface Repeated extends Numbers {
  readonly after: Date;
  readonly before: Date;
}

/** What the camera counted without beginning anew. */
export interface Run {
  readonly lowest: number;
  readonly highest: number;
  /** How many of its numbers were seen. */
  readonly seen: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly missing: readonly Missing[];
  readonly repeated: readonly Repeated[];
}

/** Nobody makes that many recordings between two dockings: a jump ahead by more is another numbering, not so many losses. */
export const MOST_MISSING = 10_000;
/** A camera that leaves its row more often does not count by one: what it did not send cannot be told from its numbers. */
export const MOST_STRETCHES = 2000;
/** How far ahead is looked to explain a fall; far more than the recordings of a day. */
const LOOK_AHEAD = 1000;

/**
 * What a camera's numbers say about recordings that never arrived. Pure and total.
 *
 * Cameras count up by one, but begin anew after a factory reset, and their clocks may be wrong, so that a fall in the order of time is either
 * a reset or recordings out of their turn. Whichever needs fewer irregularities (recordings out of turn, numbers missing) is believed. A reset
 * begins a new run, so that what lies between the last number and the first is not taken for losses. Runs that overlap or adjoin and have
 * no number in common are one run seen through a wrong clock, and are put together again. The same files in any order of arrival give the
 * same runs.
 * @param stretches of one camera, in the order of time; the time it takes grows with their square, so at most MOST_STRETCHES
 */
export function runsOf(stretches: readonly Stretch[]): Run[] {
  return reunited(begunAnew(stretches))
    .map(measured)
    .sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || a.lowest - b.lowest);
}

/** Whether anything of [from, until) lies strictly between those two times, or on one of them; an open end takes in everything. */
export function touches(span: { readonly after: Date; readonly before: Date }, from: Date | null, until: Date | null): boolean {
  return (from === null || span.before >= from) && (until === null || span.after < until);
}

export function countOf(numbers: readonly Numbers[]): number {
  return numbers.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** "112–118" or "112". */
export function inWords({ from, to }: Numbers): string {
  return from === to ? String(from) : `${from}–${to}`;
}

interface Bundle {
  lowest: number;
  highest: number;
  stretches: Stretch[];
}

function begunAnew(stretches: readonly Stretch[]): Bundle[] {
  const bundles: Bundle[] = [];
  let place = 0;
  while (place < stretches.length) {
    const next = stretches[place] as Stretch;
    const current = bundles.at(-1);
    if (current === undefined || next.first > current.highest + 1 + MOST_MISSING) {
      bundles.push(bundle([next]));
      place += 1;
    } else if (next.first > current.highest) {
      extend(current, next);
      place += 1;
    } else {
      const fallen = fallenFrom(current, stretches, place);
      if (fallen.isReset) {
        bundles.push(bundle([next]));
        place += 1;
      } else {
        // From above downwards, so that what is near brings the next within reach; what is out of reach is set aside as a run of its own.
        for (const each of [...fallen.stretches].sort((a, b) => b.last - a.last))
          if (each.last + 1 + MOST_MISSING < current.lowest) bundles.splice(-1, 0, bundle([each]));
          else extend(current, each);
        place += fallen.stretches.length;
      }
    }
  }
  return bundles;
}

/** What follows from `place` on without going beyond what the run has reached, and whether it is a numbering of its own. */
function fallenFrom(run: Bundle, stretches: readonly Stretch[], place: number): { stretches: Stretch[]; isReset: boolean } {
  const fallen: Stretch[] = [];
  let [lowest, reached, size, falls] = [Infinity, -1, 0, -1];
  let beyond: number | undefined;
  for (let i = place; i < stretches.length && fallen.length < LOOK_AHEAD; i++) {
    const each = stretches[i] as Stretch;
    if (each.first > run.highest) {
      beyond = each.first;
      break;
    }
    fallen.push(each);
    if (fallen.length === 1 || each.first <= reached) falls += 1;
    lowest = Math.min(lowest, each.first);
    reached = Math.max(reached, Math.min(each.last, run.highest));
    size += Math.min(each.last, run.highest) - each.first + 1;
    // It rises above the run within itself, and nothing is missing there.
    if (each.last > run.highest) break;
  }
  // A camera begins anew at 0 or 1: what is lower than the first seen was lost.
  const asReset = 1 + falls + missedBetween(0, lowest) + (beyond === undefined ? 0 : missedBetween(reached, beyond));
  const asStrays = size + missedBetween(reached, run.lowest) + (beyond === undefined ? 0 : missedBetween(run.highest, beyond));
  return { stretches: fallen, isReset: asReset <= asStrays };
}

function missedBetween(lower: number, higher: number): number {
  return Math.min(Math.max(0, higher - lower - 1), MOST_MISSING);
}

function bundle(stretches: Stretch[]): Bundle {
  return {
    lowest: Math.min(...stretches.map(({ first }) => first)),
    highest: Math.max(...stretches.map(({ last }) => last)),
    stretches,
  };
}

function extend(run: Bundle, by: Stretch): void {
  run.lowest = Math.min(run.lowest, by.first);
  run.highest = Math.max(run.highest, by.last);
  run.stretches.push(by);
}

/** Puts together what a wrong clock took apart. */
function reunited(bundles: readonly Bundle[]): Bundle[] {
  const kept: Bundle[] = [];
  for (const each of bundles) {
    let whole: Bundle = { ...each, stretches: byNumber(each.stretches) };
    for (let i = kept.length - 1; i >= 0; i--) {
      const other = kept[i] as Bundle;
      if (!belongTogether(other, whole)) continue;
      whole = {
        lowest: Math.min(other.lowest, whole.lowest),
        highest: Math.max(other.highest, whole.highest),
        stretches: interleaved(other.stretches, whole.stretches),
      };
      kept.splice(i, 1);
    }
    kept.push(whole);
  }
  return kept;
}

/** Both in the order of numbers. */
function belongTogether(a: Bundle, b: Bundle): boolean {
  if (a.lowest > b.highest + 1 || b.lowest > a.highest + 1) return false;
  let [i, j] = [0, 0];
  for (;;) {
    const [x, y] = [a.stretches[i], b.stretches[j]];
    if (x === undefined || y === undefined) return true;
    if (x.first <= y.last && y.first <= x.last) return false;
    if (x.last < y.last) i += 1;
    else j += 1;
  }
}

/** Both in the order of numbers, as is what comes of it. */
function interleaved(a: readonly Stretch[], b: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined) return all.concat(b.slice(j));
    if (y === undefined) return all.concat(a.slice(i));
    all.push(x.first <= y.first ? x : y);
    if (x.first <= y.first) i += 1;
    else j += 1;
  }
}

function byNumber(stretches: readonly Stretch[]): Stretch[] {
  return [...stretches].sort((a, b) => a.first - b.first || a.last - b.last);
}

/** What is in the order of numbers. */
function measured({ lowest, highest, stretches }: Bundle): Run {
  const missing: Missing[] = [];
  const repeated: { from: number; to: number; after: Date; before: Date }[] = [];
  let top: Stretch | undefined;
  for (const next of stretches) {
    if (top !== undefined && next.first > top.last + 1) {
      const [after, before] = inOrder(top.lastAt, next.firstAt);
      missing.push({ from: top.last + 1, to: next.first - 1, after, before });
    }
    if (top !== undefined && next.first <= top.last) {
      const after = inOrder(top.firstAt, next.firstAt)[0];
      const before = inOrder(top.lastAt, next.lastAt)[1];
      repeated.push({ from: next.first, to: Math.min(next.last, top.last), after, before });
    }
    if (top === undefined || next.last > top.last) top = next;
  }
  return {
    lowest,
    highest,
    seen: highest - lowest + 1 - countOf(missing),
    startedAt: new Date(stretches.reduce((least, { firstAt }) => Math.min(least, firstAt.getTime()), Infinity)),
    endedAt: new Date(stretches.reduce((most, { lastAt }) => Math.max(most, lastAt.getTime()), -Infinity)),
    missing,
    repeated: united(repeated),
  };
}

function inOrder(a: Date, b: Date): [Date, Date] {
  return a <= b ? [a, b] : [b, a];
}

/** Each number once, though three files may have it. */
function united(spans: readonly Repeated[]): Repeated[] {
  const whole: Repeated[] = [];
  for (const span of spans) {
    const previous = whole.at(-1);
    if (previous === undefined || span.from > previous.to) {
      whole.push(span);
      continue;
    }
    whole[whole.length - 1] = {
      from: previous.from,
      to: Math.max(previous.to, span.to),
      after: inOrder(previous.after, span.after)[0],
      before: inOrder(previous.before, span.before)[1],
    };
  }
  return whole;
}
