import type { Box } from '../redaction-plan.js';
import type { GreyFrame } from './grey-frame.js';
import { carried, gridPoints, likeness, patchOf, settled, visibleShare, type Patch } from './median-flow.rules.js';
import type { Vision } from './vision.js';

/** Where something is in the current picture, or why that is no longer known. */
export type Step =
  | { readonly state: 'followed'; readonly box: Box; /** 0 to 1 */ readonly confidence: number }
  | { readonly state: 'lost'; readonly why: Loss };

export type Loss = 'left-the-picture' | 'not-recognised';

interface Followed {
  box: Box;
  /** What it looked like when it was last certain; small errors are taken back against this. */
  anchor: Patch;
  latest: Patch;
}

/** Less of a box inside the picture than this, and it has left. */
const SHARE_IN_PICTURE = 0.4;
/** Likeness to the anchor at which its place counts more than the flow's. */
const CERTAIN = 0.7;
/** Likeness to the picture before, under which it is another thing. */
const ANOTHER = 0.4;

/** Follows boxes from picture to picture, all with one computation of optical flow. Boxes are in pixels of the pictures. */
export class Followers {
  private readonly followed = new Map<number, Followed>();
  private frame: GreyFrame | undefined;

  constructor(private readonly vision: Vision) {}

  /** Begins to follow a box of the current picture, or says anew where it is. */
  follow(id: number, box: Box): void {
    if (this.frame === undefined) throw new Error('There is no picture yet.');
    const patch = patchOf(this.frame, box);
    this.followed.set(id, { box, anchor: patch, latest: patch });
  }

  forget(id: number): void {
    this.followed.delete(id);
  }

  boxOf(id: number): Box | undefined {
    return this.followed.get(id)?.box;
  }

  /** Goes on to the next picture. What is lost in it is forgotten. */
  async next(frame: GreyFrame): Promise<ReadonlyMap<number, Step>> {
    const size = { width: frame.width, height: frame.height };
    const places = [...this.followed].map(([id, each]) => ({ id, points: gridPoints(each.box, size) }));
    const all = new Float32Array(places.reduce((sum, { points }) => sum + points.length, 0));
    let at = 0;
    for (const { points } of places) {
      all.set(points, at);
      at += points.length;
    }
    const flow = await this.vision.flow(frame, all);
    this.frame = frame;
    const steps = new Map<number, Step>();
    let from = 0;
    for (const { id, points } of places) {
      const to = from + points.length;
      const own = { points: flow.points.subarray(from, to), strayed: flow.strayed.subarray(from / 2, to / 2) };
      const step = this.step(this.followed.get(id) as Followed, points, own, frame);
      if (step.state === 'lost') this.forget(id);
      steps.set(id, step);
      from = to;
    }
    return steps;
  }

  private step(
    each: Followed,
    points: Float32Array,
    flow: { points: Float32Array; strayed: Float32Array },
    frame: GreyFrame,
  ): Step {
    const moved = carried(each.box, points, flow);
    const size = { width: frame.width, height: frame.height };
    if (moved === null) return { state: 'lost', why: visibleShare(each.box, size) < 0.9 ? 'left-the-picture' : 'not-recognised' };
    const anchored = settled(frame, moved.box, each.anchor);
    const certain = anchored.likeness >= CERTAIN;
    const box = certain ? anchored.box : moved.box;
    if (visibleShare(box, size) < SHARE_IN_PICTURE) return { state: 'lost', why: 'left-the-picture' };
    const latest = patchOf(frame, box);
    const continuity = likeness(each.latest, latest);
    if (!certain && continuity < ANOTHER) return { state: 'lost', why: 'not-recognised' };
    each.box = box;
    each.latest = latest;
    // It turns, or the light changes: from here on it looks like this.
    if (!certain) each.anchor = latest;
    return { state: 'followed', box, confidence: Math.max(0, Math.min(1, Math.max(anchored.likeness, continuity * moved.kept))) };
  }
}
