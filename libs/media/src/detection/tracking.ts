import type { Probe } from '../ffprobe-report.js';
import { MediaError } from '../media-error.js';
import type { MediaTools } from '../media-tools.js';
import type { Box, Keyframe } from '../redaction-plan.js';
import { Followers, type Loss } from './followers.js';
import { readGreyFrames, type Span } from './grey-frames.js';
import type { Size } from './median-flow.rules.js';
import { keyframesOf, trackingFaults, type Sample } from './tracking.rules.js';
import { OPENCV_VERSION, Vision } from './vision.js';

/** The way something takes through a recording, as a person may copy it into a plan. */
export interface Track {
  readonly what: 'box' | 'face' | 'plate';
  /** Covers what was seen, padded; at least two. Pixels and milliseconds of the recording. */
  readonly keyframes: readonly Keyframe[];
  /** 0 to 1. Of a followed box: how surely it was recognised where that was hardest. Of a find: how often it was found again, of one look more than there were. */
  readonly confidence: number;
  /** Where and why it was lost before the end that was asked for; null when it was not. */
  readonly lost: { readonly atMs: number; readonly why: Loss } | null;
}

export const TRACKING_MODEL = {
  model: 'median-flow',
  version: `median-flow-v1, ${OPENCV_VERSION}`,
  threshold: 'likeness 0.4',
} as const;

const LONGEST_SIDE = 640;
const HIGHEST_RATE = 30;

export interface TrackingInput {
  readonly span: Span;
  /** Of the recording: box and keyframes are in its pixels. */
  readonly probe: Probe;
  readonly box: Box;
  readonly atMs: number;
  readonly untilMs: number;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Follows a box that a person drew. It ends early, and says so, where the box leaves the picture or is no longer recognised: it never guesses on.
 *
 * @throws MediaError `invalid-plan` (all that is wrong with box and times), `failed`, `time-limit`, `aborted`
 */
export async function trackBox(tools: MediaTools, input: TrackingInput): Promise<Track> {
  const { probe, atMs, untilMs } = input;
  const picture: Size = { width: probe.video.width, height: probe.video.height };
  const faults = trackingFaults(input, { durationMs: probe.durationMs, ...picture });
  if (faults.length > 0) throw new MediaError('invalid-plan', faults.join(' '));
  const size = fitted(picture, LONGEST_SIDE);
  const rate = steadyRate(probe.video.frameRate, HIGHEST_RATE);
  const vision = new Vision(input.signal);
  const followers = new Followers(vision);
  const samples: Sample[] = [];
  let confidence = 1;
  let lost: Track['lost'] = null;
  try {
    const asked = { span: input.span, fromMs: atMs, untilMs, rate, size };
    await readGreyFrames(
      tools,
      input.signal === undefined ? asked : { ...asked, signal: input.signal },
      async (frame, frameMs) => {
        const step = (await followers.next(frame)).get(0);
        if (step === undefined) {
          followers.follow(0, resized(input.box, picture, size));
          samples.push({ atMs, ...input.box });
          return true;
        }
        if (step.state === 'lost') {
          lost = { atMs: Math.round(frameMs), why: step.why };
          return false;
        }
        confidence = Math.min(confidence, step.confidence);
        samples.push({ atMs: Math.min(untilMs, Math.max(atMs, frameMs)), ...resized(step.box, size, picture) });
        input.onProgress?.(Math.min(99, Math.floor((100 * (frameMs - atMs)) / (untilMs - atMs))));
        return true;
      },
    );
  } finally {
    await vision.close();
  }
  return { what: 'box', keyframes: keyframesOf(held(samples, untilMs, rate), picture), confidence: rounded(confidence), lost };
}

/** The last picture is shown for a while: what was on it is covered until the next one, or until the end. */
export function held(samples: readonly Sample[], untilMs: number, rate: number): readonly Sample[] {
  const last = samples.at(-1);
  if (last === undefined) return samples;
  const until = Math.min(untilMs, last.atMs + 1000 / rate);
  return until > last.atMs ? [...samples, { ...last, atMs: until }] : samples;
}

/** As large as fits, never larger, both sides even. */
export function fitted(picture: Size, longestSide: number): Size {
  const ratio = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  const even = (side: number): number => Math.max(2, 2 * Math.round((side * ratio) / 2));
  return { width: even(picture.width), height: even(picture.height) };
}

export function resized(box: Box, from: Size, to: Size): Box {
  const [across, down] = [to.width / from.width, to.height / from.height];
  return { x: box.x * across, y: box.y * down, width: box.width * across, height: box.height * down };
}

/** The recording's own rate when it is sensible and not above the limit, so that no picture comes twice. */
export function steadyRate(frameRate: string, highest: number): number {
  const [frames = 0, seconds = 0] = frameRate.split('/').map(Number);
  const rate = frames / seconds;
  return rate >= 5 && rate <= highest ? rate : highest;
}

export function rounded(confidence: number): number {
  return Math.round(confidence * 100) / 100;
}
