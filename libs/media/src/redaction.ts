import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readPackets } from './completeness.js';
import { runFfmpeg } from './ffmpeg-runner.js';
import { videoStream } from './ffprobe-report.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { report } from './probe.js';
import { REDACTION_RECIPE, redactedSize, redactionArguments } from './redaction-arguments.js';
import { redactionMasks } from './redaction-mask.js';
import { checkPlan } from './redaction-plan.js';
import type { RedactionPlan } from './redaction-plan.js';
import { toolVersion } from './tool-version.js';

export interface RedactionInput {
  readonly file: string;
  readonly probe: Probe;
  readonly plan: RedactionPlan;
  /** Appears whole or not at all. */
  readonly out: string;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/** What the custody entry says of how it was made. */
export interface RenderedRedaction {
  /** e.g. `ffmpeg 5.1.9-0+deb12u1` */
  readonly tool: string;
  readonly recipe: string;
  /** ffmpeg's output options, word for word; files stand in them by plain name alone. The masks follow from the plan (`redactionMasks`). */
  readonly parameters: readonly string[];
}

const MASK = 'mask.ass';

/**
 * Renders a plan into a new MP4 that keeps the source's frames and their times (a clip: those within it, counted from its start), covers the
 * regions each in its style, replaces the sound of the mutes and carries nothing else of the source. The same source, plan and ffmpeg give the same bytes. Run `checkRedaction` on the result before anyone sees it.
 *
 * @throws MediaError `invalid-plan` (also for a clip in which no picture begins, and where picture or sound go on after the end that the recording states), `failed`, `time-limit`, `aborted`
 */
export async function renderRedaction(tools: MediaTools, input: RedactionInput): Promise<RenderedRedaction> {
  if (input.probe.problem !== undefined) throw new MediaError('failed', input.probe.problem);
  const faults = checkPlan(input.plan, input.probe);
  if (faults.length > 0) throw new MediaError('invalid-plan', faults.join(' '));
  const tool = await toolVersion(tools);
  const work = await mkdtemp(join(tools.scratch, 'redaction-'));
  const unfinished = `${resolve(input.out)}.part`;
  const output = redactionArguments(input.probe, input.plan, { mask: MASK, out: unfinished });
  try {
    for (const { name, script } of redactionMasks(input.plan, redactedSize(input.probe), MASK))
      await writeFile(join(work, name), script);
    await runFfmpeg(tools, {
      input: { options: [], file: input.file },
      outputs: [output],
      cwd: work,
      durationMs: input.plan.clip === undefined ? input.probe.durationMs : input.plan.clip.toMs - input.plan.clip.fromMs,
      ...(input.onProgress === undefined ? {} : { onProgress: input.onProgress }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
    if (input.plan.clip !== undefined) await refuseEmptyClip(tools, unfinished, input.plan.clip, input.signal);
    else await refuseBeyondReach(tools, unfinished, input.probe.durationMs, input.plan, input.signal);
    await rename(unfinished, input.out);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(unfinished, { force: true });
  }
  return { tool, recipe: REDACTION_RECIPE, parameters: output.options };
}

/** Between two pictures that are shown long there may be no other; ffmpeg then writes a file without any and calls it a success. */
async function refuseEmptyClip(
  tools: MediaTools,
  file: string,
  clip: NonNullable<RedactionPlan['clip']>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const made = await report(tools, file, signal).catch((error: unknown) => {
    if (error instanceof MediaError && error.code === 'unreadable') return undefined;
    throw error;
  });
  if (Number(made === undefined ? 0 : videoStream(made)?.nb_frames) > 0) return;
  throw new MediaError(
    'invalid-plan',
    `No picture of the recording begins within the clip, from ${clip.fromMs} to ${clip.toMs} ms.`,
  );
}

/** The sound encoder's own beginning and the rest of its last packet: three packets of 1,024 samples, and rounding. */
const SPARE_SOUND_MS = 70;
/** The playback copy goes on for so long after the stated end: what little a transport stream's estimate leaves out can be heard and judged. */
const HEARD_BEYOND_MS = 1000;

/**
 * A header may say that the recording is shorter than it is. No plan can have times after that end, so what lies there would come through as it
 * is, and the playback copy does not show it either.
 */
async function refuseBeyondReach(
  tools: MediaTools,
  file: string,
  statedMs: number,
  { mutes }: RedactionPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { endMs, lastPictureMs } = await readPackets(tools, file, signal);
  // A last picture that is shown for long may end where it likes: it can be covered.
  const mutesTheEnd = mutes.some(({ toMs }) => toMs >= statedMs - SPARE_SOUND_MS);
  const soundGoesOn = endMs > lastPictureMs.to && endMs > statedMs + (mutesTheEnd ? SPARE_SOUND_MS : HEARD_BEYOND_MS);
  if (lastPictureMs.from <= statedMs && !soundGoesOn) return;
  const goesOn = Math.max(lastPictureMs.from, soundGoesOn ? endMs : 0);
  throw new MediaError(
    'invalid-plan',
    `The recording states a length of ${statedMs} ms but goes on until ${goesOn} ms, where no plan can cover or mute anything. A clip that ends before leaves it out.`,
  );
}
