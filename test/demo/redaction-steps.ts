import { join } from 'node:path';
import type { RedactionAnswer, RecordingAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { Cast } from './cast.js';
import { subjectAt, type DemoClip } from './clips.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import { playableRecording } from './docking-steps.js';
import { loudnessAt, pictureAt, shadesOf, type Area } from './media-frames.js';
import type { Told } from './narrator.js';
import type { Watched } from './watching.js';

interface Keyframe {
  readonly atMs: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is to be covered and silenced, and the moment at which the demonstration looks. */
export interface Scene {
  readonly keyframes: readonly [Keyframe, Keyframe];
  /** Null where there is no sound. */
  readonly mute: { readonly fromMs: number; readonly toMs: number } | null;
  readonly lookAtMs: number;
  readonly lookAtArea: Area;
}

export interface Redacted extends Told {
  readonly redaction: string;
  readonly result: RecordingAnswer;
}

/** A box that moves over the person in our own clips, and across the middle of anybody else's. Times are shares of the duration. */
export function sceneOf({ media }: RecordingAnswer, clip: DemoClip): Scene {
  if (media === null) throw new Unexpected('the recording', 'to have been probed', 'no media description');
  const { durationMs, audio } = media;
  const { width, height } = media.video;
  const at = (share: number): number => Math.floor(durationMs * share);
  const box = (share: number): Keyframe => {
    const atMs = at(share);
    if (clip.synthesised === null) {
      const x = Math.floor(width * (0.2 + 0.4 * share));
      return { atMs, x, y: Math.floor(height * 0.35), width: Math.floor(width / 4), height: Math.floor(height / 3) };
    }
    const person = subjectAt(clip.synthesised, atMs);
    return { atMs, x: person.x - 8, y: person.y - 8, width: person.width + 16, height: person.height + 16 };
  };
  const keyframes = [box(0.4), box(0.8)] as const;
  const halfway = {
    x: (keyframes[0].x + keyframes[1].x) / 2,
    y: (keyframes[0].y + keyframes[1].y) / 2,
    width: keyframes[0].width,
    height: keyframes[0].height,
  };
  return {
    keyframes,
    mute: audio === null ? null : { fromMs: at(0.5), toMs: at(0.7) },
    lookAtMs: at(0.6),
    // Well inside the box: at its edge a scaled playback copy mixes inside and outside.
    lookAtArea: {
      x: (halfway.x + halfway.width * 0.15) / width,
      y: (halfway.y + halfway.height * 0.15) / height,
      width: (halfway.width * 0.7) / width,
      height: (halfway.height * 0.7) / height,
    },
  };
}

export async function redact(
  { custodian, auditor }: Cast,
  original: RecordingAnswer,
  { keyframes, mute }: Scene,
): Promise<Redacted> {
  const plan = {
    v: 1,
    regions: [{ shape: 'rectangle', keyframes, reason: 'bystander' }],
    mutes: mute === null ? [] : [{ ...mute, reason: 'address' }],
  };
  const order = { plan, reason: 'Release to counsel: a bystander and a home address are not part of the case.' };
  const { id } = (await custodian.post<RedactionAnswer>(`/api/recordings/${original.id}/redactions`, order)).expect(202).body;
  const look = async (): Promise<RedactionAnswer | undefined> => {
    const redaction = (await custodian.get<RedactionAnswer>(`/api/redactions/${id}`)).expect(200).body;
    return redaction.state === 'rendering' ? undefined : redaction;
  };
  const withinMs = 300_000 + 10 * (original.media?.durationMs ?? 0);
  const done = await eventually(`redaction ${id} is rendered`, look, { withinMs, everyMs: 250 });
  if (done.state !== 'rendered' || done.result === null)
    throw new Unexpected('the redaction', 'rendered', `${done.state}: ${done.failure ?? ''}`);
  const result = await playableRecording(auditor, done.result);
  expectSame('the new recording', ['sealed', original.id], [result.state, result.parent]);
  return { redaction: id, result, detail: `recording ${result.id}, sealed, names its parent` };
}

/** Until a second person has looked at it, it is for nobody else; then it is released. */
export async function reviewAndRelease({ custodian, both, investigator }: Cast, { redaction, result }: Redacted): Promise<Told> {
  const purpose = 'internal-investigation';
  const early = (await investigator.post(`/api/recordings/${result.id}/viewings`, { purpose })).expect(403).problem();
  expectSame('the reason', 'not-released', early['reason']);
  const approval = { version: 1, verdict: 'approved', note: 'Watched from beginning to end.' };
  const own = (await custodian.post(`/api/redactions/${redaction}/review`, approval)).expect(403).problem();
  expectSame('the reason', 'own-redaction', own['reason']);
  (await both.post(`/api/redactions/${redaction}/review`, approval)).expect(200);
  (await custodian.post(`/api/redactions/${redaction}/release`)).expect(200);
  return { detail: `403 "${own.detail}" A second custodian approves, then it is released` };
}

/** Looks at what a viewer of each gets to see and hear at the same moment, and leaves both pictures. */
export async function compareFrames(
  { ffmpeg, work, artefacts }: DemoContext,
  scene: Scene,
  original: Watched,
  redacted: Watched,
): Promise<Told> {
  const [before, after] = [join(artefacts, 'before.png'), join(artefacts, 'after.png')];
  await pictureAt(ffmpeg, work, original, scene.lookAtMs, before);
  await pictureAt(ffmpeg, work, redacted, scene.lookAtMs, after);
  const was = await shadesOf(ffmpeg, before, scene.lookAtArea);
  const is = await shadesOf(ffmpeg, after, scene.lookAtArea);
  if (is.lightest > 24)
    throw new Unexpected('the covered part of the picture', 'black', `shades ${is.darkest} to ${is.lightest} of 255`);
  const seen = `at ${(scene.lookAtMs / 1000).toFixed(1)} s the box is black (shades ${was.darkest}–${was.lightest} before, ${is.darkest}–${is.lightest} after)`;
  if (scene.mute === null) return { detail: `${seen}; there is no sound to mute` };
  const loud = await loudnessAt(ffmpeg, work, original, scene.lookAtMs);
  const quiet = await loudnessAt(ffmpeg, work, redacted, scene.lookAtMs);
  if (quiet > -60) throw new Unexpected('the muted sound', 'below -60 dB', `${quiet.toFixed(0)} dB`);
  return { detail: `${seen}, sound ${loud.toFixed(0)} → ${quiet.toFixed(0)} dB` };
}
