import type { Probe } from '../ffprobe-report.js';
import { MediaError } from '../media-error.js';
import type { MediaTools } from '../media-tools.js';
import { paired } from './detections.rules.js';
import type { Detectable, Detection, Detector } from './detector.js';
import { Followers, type Loss } from './followers.js';
import { readGreyFrames, type Span } from './grey-frames.js';
import type { GreyFrame } from './grey-frame.js';
import type { Size } from './median-flow.rules.js';
import { fitted, held, resized, rounded, type Track } from './tracking.js';
import { keyframesOf, spanFaults, type Sample } from './tracking.rules.js';
import type { Vision } from './vision.js';

/** Small faces need many pixels; time grows with them. */
const LONGEST_SIDE = 960;
const RATE = 10;
/** Every fifth picture, so twice a second. */
const DETECT_EVERY = 5;
/** What was not found again for so many looks is no longer followed: it may have drifted onto something else. */
const LOOKS_WITHOUT = 6;
const MOST_AT_ONCE = 64;
const MOST_TRACKS = 500;

export interface DetectionInput {
  readonly span: Span;
  readonly probe: Probe;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

interface Open {
  readonly id: number;
  readonly what: Detectable;
  readonly samples: Sample[];
  finds: number;
  looks: number;
  missed: number;
}

/**
 * Looks for things twice a second, follows them in between, and joins both into tracks: surest first. Proposals, no more: what it misses,
 * nobody is told.
 *
 * @throws MediaError `invalid-plan` (a span that does not fit the recording), `failed`, `time-limit`, `aborted`
 */
export async function detectTracks(
  tools: MediaTools,
  vision: Vision,
  detector: Detector,
  input: DetectionInput,
): Promise<{ readonly tracks: readonly Track[]; /** More were found than a person can look through. */ readonly cut: boolean }> {
  const { probe, fromMs, untilMs, span } = input;
  const faults = spanFaults(fromMs, untilMs, probe.durationMs);
  if (faults.length > 0) throw new MediaError('invalid-plan', faults.join(' '));
  const picture = { width: probe.video.width, height: probe.video.height };
  const size = fitted(picture, LONGEST_SIDE);
  const gathering = new Gathering(new Followers(vision), detector, picture, size);
  let index = 0;
  const asked = { span, fromMs, untilMs, rate: RATE, size };
  await readGreyFrames(tools, input.signal === undefined ? asked : { ...asked, signal: input.signal }, async (frame, frameMs) => {
    const atMs = Math.min(untilMs, Math.max(fromMs, frameMs));
    await gathering.next(frame, atMs, index % DETECT_EVERY === 0);
    index += 1;
    input.onProgress?.(Math.min(99, Math.floor((100 * (atMs - fromMs)) / (untilMs - fromMs))));
    return true;
  });
  return gathering.end(fromMs, untilMs);
}

class Gathering {
  private open: Open[] = [];
  private readonly tracks: Track[] = [];
  private begun = 0;
  private cut = false;

  constructor(
    private readonly followers: Followers,
    private readonly detector: Detector,
    private readonly picture: Size,
    private readonly size: Size,
  ) {}

  async next(frame: GreyFrame, atMs: number, look: boolean): Promise<void> {
    const steps = await this.followers.next(frame);
    for (const each of [...this.open]) {
      const step = steps.get(each.id);
      if (step === undefined || step.state === 'lost')
        this.close(each, { atMs: Math.round(atMs), why: step?.why ?? 'not-recognised' });
      else each.samples.push({ atMs, ...resized(step.box, this.size, this.picture) });
    }
    if (look) this.join(await this.detector.detect(frame), atMs);
  }

  end(fromMs: number, untilMs: number): { tracks: readonly Track[]; cut: boolean } {
    for (const each of [...this.open]) this.close(each, null, untilMs);
    // It was there before it was first found: as long as nobody had looked.
    const earlier = (1000 * DETECT_EVERY) / RATE;
    const tracks = this.tracks.map((track) => {
      const first = track.keyframes[0];
      const atMs = Math.max(fromMs, Math.ceil((first?.atMs ?? 0) - earlier));
      return first === undefined || atMs >= first.atMs
        ? track
        : { ...track, keyframes: [{ ...first, atMs }, ...track.keyframes] };
    });
    return { tracks: tracks.sort((a, b) => b.confidence - a.confidence), cut: this.cut };
  }

  private join(detections: readonly Detection[], atMs: number): void {
    for (const what of new Set([...detections, ...this.open].map((each) => each.what))) {
      const open = this.open.filter((each) => each.what === what);
      const found = detections.filter((each) => each.what === what);
      const followedBoxes = open.map(({ id }) => this.followers.boxOf(id) ?? { x: 0, y: 0, width: 0, height: 0 });
      const pairs = paired(
        followedBoxes,
        found.map(({ box }) => box),
      );
      open.forEach((each, index) => {
        const pair = pairs.find(({ followed }) => followed === index);
        each.looks += 1;
        each.missed = pair === undefined ? each.missed + 1 : 0;
        if (pair !== undefined) this.confirm(each, found[pair.found] as Detection, atMs);
        else if (each.missed >= LOOKS_WITHOUT) this.close(each, { atMs: Math.round(atMs), why: 'not-recognised' });
      });
      found.filter((_, index) => pairs.every((pair) => pair.found !== index)).forEach((each) => this.begin(each, atMs));
    }
  }

  private begin({ what, box }: Detection, atMs: number): void {
    if (this.open.length >= MOST_AT_ONCE || this.begun >= MOST_TRACKS) {
      this.cut = true;
      return;
    }
    const id = this.begun++;
    this.followers.follow(id, box);
    this.open.push({ id, what, samples: [{ atMs, ...resized(box, this.size, this.picture) }], finds: 1, looks: 1, missed: 0 });
  }

  private confirm(each: Open, { box }: Detection, atMs: number): void {
    this.followers.follow(each.id, box);
    each.samples[each.samples.length - 1] = { atMs, ...resized(box, this.size, this.picture) };
    each.finds += 1;
  }

  private close(each: Open, lost: { atMs: number; why: Loss } | null, untilMs = Infinity): void {
    this.open = this.open.filter(({ id }) => id !== each.id);
    this.followers.forget(each.id);
    const keyframes = keyframesOf(held(each.samples, untilMs, RATE), this.picture);
    if (keyframes.length === 0) return;
    this.tracks.push({ what: each.what, keyframes, confidence: rounded(each.finds / (each.looks + 1)), lost });
  }
}
