import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runFfmpeg } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { REDACTION_RECIPE, redactedSize, redactionArguments } from './redaction-arguments.js';
import { maskScript } from './redaction-mask.js';
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

const MASK = 'mask.ass';

/**
 * Renders a plan into a new MP4 that keeps the source's frames and their times, covers the regions with a solid fill, silences the mutes and
 * carries nothing else of the source. The same source, plan and ffmpeg give the same bytes. Run `checkRedaction` on the result before anyone sees it.
 *
 * @returns the tool and recipe, for the custody entry
 * @throws MediaError `invalid-plan`, `failed`, `time-limit`, `aborted`
 */
export async function renderRedaction(tools: MediaTools, input: RedactionInput): Promise<{ tool: string; recipe: string }> {
  const faults = checkPlan(input.plan, input.probe);
  if (faults.length > 0) throw new MediaError('invalid-plan', faults.join(' '));
  const tool = await toolVersion(tools);
  const work = await mkdtemp(join(tools.scratch, 'redaction-'));
  const unfinished = `${resolve(input.out)}.part`;
  try {
    await writeFile(join(work, MASK), maskScript(input.plan, redactedSize(input.probe)));
    await runFfmpeg(tools, {
      input: { options: [], file: input.file },
      outputs: [redactionArguments(input.probe, input.plan, { mask: MASK, out: unfinished })],
      cwd: work,
      durationMs: input.probe.durationMs,
      ...(input.onProgress === undefined ? {} : { onProgress: input.onProgress }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
    await rename(unfinished, input.out);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(unfinished, { force: true });
  }
  return { tool, recipe: REDACTION_RECIPE };
}
