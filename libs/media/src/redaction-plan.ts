import type { Probe } from './ffprobe-report.js';
import { outlineFaults } from './redaction-outline.js';

/** Where a moving rectangle is at one time. Source pixels in display orientation, integers; milliseconds from the start of the recording. */
export interface Keyframe {
  readonly atMs: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A corner of an outline, x and y in thousandths of the box's width and height: whole numbers from 0 to 1000. */
export type OutlinePoint = readonly [x: number, y: number];

/**
 * Covers the picture from the first keyframe to the last, both included. Keyframes give the box around the shape; position and size are
 * interpolated linearly between them.
 */
export interface RedactionRegion {
  readonly shape: 'rectangle' | 'ellipse' | 'polygon';
  /** Of a polygon, 3 to 64 corners in order; the outline does not cross itself. */
  readonly outline?: readonly OutlinePoint[];
  readonly keyframes: readonly Keyframe[];
  /** Solid unless the agency's policy allows what machines may undo. */
  readonly style?: 'solid' | 'mosaic' | 'blur';
  /** From the agency's list, e.g. "juvenile". */
  readonly reason: string;
}

export interface RedactionMute {
  readonly fromMs: number;
  readonly toMs: number;
  /** What is heard instead: nothing, unless a tone is asked for. */
  readonly fill?: 'silence' | 'tone';
  readonly reason: string;
}

export interface RedactionPlan {
  readonly v: 1;
  readonly regions: readonly RedactionRegion[];
  readonly mutes: readonly RedactionMute[];
  /** The part of the recording that is kept; all of it when there is none. Times of regions and mutes stay those of the recording. */
  readonly clip?: { readonly fromMs: number; readonly toMs: number };
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Every keyframe interval is an event in the mask and a place to look in the check; a plan beyond this is a mistake or an attack. */
const MOST_REGIONS = 500;
const MOST_KEYFRAMES = 20_000;
const MOST_MUTES = 1_000;

/** Where sound changes, coding spreads it by up to 43 ms, and every mute reaches 50 ms further than asked: a tone needs this much room. */
const APART_MS = 200;

const SHAPES: readonly string[] = ['rectangle', 'ellipse', 'polygon'] satisfies RedactionRegion['shape'][];
const STYLES: readonly string[] = ['solid', 'mosaic', 'blur'] satisfies RedactionRegion['style'][];
const FILLS: readonly string[] = ['silence', 'tone'] satisfies RedactionMute['fill'][];

/**
 * Everything that is wrong with a plan, in words for the person who drew it. Empty: it can be rendered. Takes nothing for granted beyond the
 * plan's outer shape, since plans come from outside.
 */
export function checkPlan(plan: RedactionPlan, probe: Probe): readonly string[] {
  const faults: string[] = [];
  if (plan.v !== 1) faults.push(`Plans of version ${String(plan.v)} are not known; this is version 1.`);
  if (plan.regions.length === 0 && plan.mutes.length === 0 && plan.clip === undefined) {
    faults.push('The plan covers nothing, mutes nothing and cuts nothing.');
  }
  const keyframes = plan.regions.reduce((sum, region) => sum + region.keyframes.length, 0);
  if (plan.regions.length > MOST_REGIONS || keyframes > MOST_KEYFRAMES || plan.mutes.length > MOST_MUTES) {
    return [
      ...faults,
      `The plan is too large: at most ${MOST_REGIONS} regions, ${MOST_KEYFRAMES} keyframes and ${MOST_MUTES} mutes.`,
    ];
  }
  plan.regions.forEach((region, index) => faults.push(...regionFaults(region, `Region ${index + 1}`, probe)));
  if (plan.mutes.length > 0 && probe.audio === null) faults.push('The plan mutes sound, but the recording has none.');
  plan.mutes.forEach((mute, index) => faults.push(...muteFaults(mute, `Mute ${index + 1}`, probe)));
  // Neighbours and clips are judged only where every time means something.
  if (faults.length > 0) return faults;
  return [...neighbourFaults(plan.mutes), ...(plan.clip === undefined ? [] : clipFaults(plan, plan.clip, probe))];
}

/**
 * Where a region is at a time, to a fraction of a pixel; `null` before its first keyframe and after its last.
 * @param atMs milliseconds from the start of the recording, need not be whole
 */
export function boxAt(region: RedactionRegion, atMs: number): Box | null {
  const { keyframes } = region;
  const next = firstAtOrAfter(keyframes, atMs);
  const to = keyframes[next];
  if (to === undefined) return null;
  if (to.atMs === atMs) return to;
  const from = keyframes[next - 1];
  if (from === undefined) return null;
  const part = (atMs - from.atMs) / (to.atMs - from.atMs);
  const between = (a: number, b: number): number => a + (b - a) * part;
  return {
    x: between(from.x, to.x),
    y: between(from.y, to.y),
    width: between(from.width, to.width),
    height: between(from.height, to.height),
  };
}

/** Asked for every region in every frame, so it halves instead of walking. */
function firstAtOrAfter(keyframes: readonly Keyframe[], atMs: number): number {
  let low = 0;
  let high = keyframes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keyframes[middle]?.atMs ?? Infinity) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function regionFaults(region: RedactionRegion, name: string, probe: Probe): string[] {
  const faults: string[] = [];
  if (!SHAPES.includes(region.shape))
    faults.push(`${name} has the shape "${String(region.shape)}"; ${listed(SHAPES)} are known.`);
  if (region.style !== undefined && !STYLES.includes(region.style)) {
    faults.push(`${name} has the style "${String(region.style)}"; ${listed(STYLES)} are known.`);
  }
  faults.push(...shapeFaults(region).map((fault) => `${name}: ${fault}`));
  if (!isReason(region.reason)) faults.push(`${name} gives no reason.`);
  if (region.keyframes.length < 2) faults.push(`${name} needs at least two keyframes, where it begins and where it ends.`);
  let previous = -Infinity;
  region.keyframes.forEach((keyframe, index) => {
    const where = `${name}, keyframe ${index + 1}`;
    const { atMs, x, y, width, height } = keyframe;
    if (![atMs, x, y, width, height].every(Number.isSafeInteger)) {
      faults.push(`${where}: time, position and size must be whole numbers.`);
      return;
    }
    if (atMs <= previous) faults.push(`${where}: its time ${atMs} ms is not after the keyframe before it.`);
    previous = atMs;
    if (atMs < 0) faults.push(`${where}: its time ${atMs} ms is before the recording begins.`);
    if (atMs > probe.durationMs)
      faults.push(`${where}: its time ${atMs} ms is beyond the end of the recording at ${probe.durationMs} ms.`);
    if (width < 1 || height < 1) faults.push(`${where}: it is empty (${width}×${height} pixels).`);
    else if (x < 0 || y < 0 || x + width > probe.video.width || y + height > probe.video.height) {
      faults.push(`${where}: it reaches outside the picture of ${probe.video.width}×${probe.video.height} pixels.`);
    }
  });
  return faults;
}

function shapeFaults(region: RedactionRegion): string[] {
  if (region.shape === 'polygon')
    return region.outline === undefined ? ['a polygon needs an outline.'] : outlineFaults(region.outline);
  return region.outline === undefined ? [] : ['only a polygon has an outline.'];
}

/** A silence beside a tone would be filled by it, or the tone cut short. */
function neighbourFaults(mutes: readonly RedactionMute[]): string[] {
  const inOrder = mutes.map((mute, index) => ({ ...mute, index })).sort((a, b) => a.fromMs - b.fromMs);
  // The latest end of either fill among those that begin before: a long mute may reach beyond several that follow it.
  const latest: Partial<Record<'silence' | 'tone', (typeof inOrder)[number]>> = {};
  const faults: string[] = [];
  for (const mute of inOrder) {
    const fill = mute.fill ?? 'silence';
    const other = latest[fill === 'tone' ? 'silence' : 'tone'];
    if (other !== undefined && mute.fromMs - other.toMs < APART_MS) {
      const [first, second] = [other.index + 1, mute.index + 1].sort((a, b) => a - b);
      faults.push(
        `Mutes ${first} and ${second} lie closer together than ${APART_MS} ms, one a silence and one a tone: give both the same fill.`,
      );
    }
    if ((latest[fill]?.toMs ?? -Infinity) < mute.toMs) latest[fill] = mute;
  }
  return faults;
}

function clipFaults(plan: RedactionPlan, clip: { readonly fromMs: number; readonly toMs: number }, probe: Probe): string[] {
  const { fromMs, toMs } = clip;
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs)) return ['The clip: its times must be whole milliseconds.'];
  const faults: string[] = [];
  if (fromMs < 0) faults.push('The clip begins before the recording.');
  if (toMs <= fromMs) faults.push(`The clip is empty: it ends at ${toMs} ms, not after its start at ${fromMs} ms.`);
  if (toMs > probe.durationMs)
    faults.push(`The clip ends at ${toMs} ms, beyond the end of the recording at ${probe.durationMs} ms.`);
  if (faults.length > 0) return faults;
  const outside = (what: string, from: number, to: number): void => {
    faults.push(
      `${what} (${from} to ${to} ms) lies wholly outside the clip (${fromMs} to ${toMs} ms), where it would do nothing.`,
    );
  };
  plan.regions.forEach(({ keyframes }, index) => {
    const [from, to] = [keyframes[0]?.atMs ?? 0, keyframes.at(-1)?.atMs ?? 0];
    if (to < fromMs || from >= toMs) outside(`Region ${index + 1}`, from, to);
  });
  plan.mutes.forEach((mute, index) => {
    if (mute.toMs <= fromMs || mute.fromMs >= toMs) outside(`Mute ${index + 1}`, mute.fromMs, mute.toMs);
  });
  return faults;
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

function muteFaults(mute: RedactionMute, name: string, probe: Probe): string[] {
  const faults: string[] = [];
  if (!isReason(mute.reason)) faults.push(`${name} gives no reason.`);
  if (mute.fill !== undefined && !FILLS.includes(mute.fill)) {
    faults.push(`${name} has the fill "${String(mute.fill)}"; ${listed(FILLS)} are known.`);
  }
  if (!Number.isSafeInteger(mute.fromMs) || !Number.isSafeInteger(mute.toMs)) {
    return [...faults, `${name}: its times must be whole milliseconds.`];
  }
  if (mute.fromMs < 0) faults.push(`${name} begins before the recording.`);
  if (mute.toMs <= mute.fromMs)
    faults.push(`${name} is empty: it ends at ${mute.toMs} ms, not after its start at ${mute.fromMs} ms.`);
  if (mute.toMs > probe.durationMs)
    faults.push(`${name} ends at ${mute.toMs} ms, beyond the end of the recording at ${probe.durationMs} ms.`);
  return faults;
}

function isReason(reason: unknown): boolean {
  return typeof reason === 'string' && reason.trim() !== '';
}
