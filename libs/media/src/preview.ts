import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Span } from './detection/grey-frames.js';
import { runFfmpeg, type FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { readMade } from './made-file.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { framesPerSecond, ladderOf } from './playback-ladder.js';
import { pictureGraph, redactedSize } from './redaction-arguments.js';
import { maskScript, redactionMasks } from './redaction-mask.js';
import { checkPlan, type RedactionPlan, type RedactionRegion } from './redaction-plan.js';

/** What is previewed: one picture, or a short span. Milliseconds from the start of the recording. */
export type PreviewOf = { readonly atMs: number } | { readonly fromMs: number; readonly toMs: number };

export interface PreviewInput {
  /** Holds at least what is previewed. */
  readonly span: Span;
  /** Of the recording: the plan is in its pixels. */
  readonly probe: Probe;
  readonly plan: RedactionPlan;
  readonly of: PreviewOf;
  /** Shows where the regions lie instead of covering them. */
  readonly outline: boolean;
  readonly signal?: AbortSignal;
}

export interface Preview {
  readonly contentType: 'image/jpeg' | 'video/mp4';
  readonly bytes: Buffer;
}

const MASK = 'mask.ass';
const OUT = 'preview';
/** Yellow, and three pixels wide. Of a shape that the mask widens by a border, that border. */
const OUTLINED = 'Style: Box,sans,10,&HFFFFFFFF,&HFFFFFFFF,&H0000E5FF,&HFFFFFFFF,0,0,0,0,100,100,0,0,1,3,0,7,0,0,0,1';
/** Nobody waits for a preview longer than that. */
const TIME_LIMIT_SECONDS = 20;

/**
 * What a plan would cover, drawn with the same masks and filters as the redaction itself, on pictures of the playback copy. Without sound. Regions
 * that the redaction draws in the recording's pixels are drawn in fewer here, so edges lie within a pixel or two of those to come.
 *
 * @throws MediaError `invalid-plan` (the plan does not fit the recording), `failed` (also where there is no picture), `time-limit`, `aborted`
 */
export async function renderPreview(tools: MediaTools, input: PreviewInput): Promise<Preview> {
  const faults = checkPlan(input.plan, input.probe);
  if (faults.length > 0) throw new MediaError('invalid-plan', faults.join(' '));
  const still = 'atMs' in input.of;
  const work = await mkdtemp(join(tools.scratch, 'preview-'));
  try {
    const plan = shown(input.plan, input.of);
    for (const { name, script } of previewScripts(plan, redactedSize(input.probe), input.outline))
      await writeFile(join(work, name), script);
    const call = {
      input: { options: [], file: input.span.file },
      outputs: [previewOutput({ ...input, plan })],
      cwd: work,
      urgent: true,
    };
    const limited = { ...tools, timeLimitSeconds: Math.min(TIME_LIMIT_SECONDS, tools.timeLimitSeconds ?? TIME_LIMIT_SECONDS) };
    await runFfmpeg(limited, input.signal === undefined ? call : { ...call, signal: input.signal });
    const bytes = await readMade(join(work, OUT)).catch((error: unknown) => {
      if (error instanceof MediaError) throw error;
      return Buffer.alloc(0);
    });
    if (bytes.length === 0) throw new MediaError('failed', 'The recording has no picture there.');
    return { contentType: still ? 'image/jpeg' : 'video/mp4', bytes };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Pure: the size a preview has, that of the smallest rung of the playback copy with at least 720 lines, else of the largest. */
export function previewSize(probe: Probe): { readonly width: number; readonly height: number } {
  const rungs = ladderOf(probe.video.width, probe.video.height);
  const { width, height } = rungs.findLast((rung) => Math.min(rung.width, rung.height) >= 720) ?? rungs[0];
  return { width, height };
}

/** Pure: as `redactionArguments` draws it, on pictures that carry the recording's time again. */
export function previewOutput(input: Omit<PreviewInput, 'signal'>): FfmpegOutput {
  const { probe, plan, span, of } = input;
  const small = { ...probe, video: { ...probe.video, ...previewSize(probe) }, audio: null };
  const seconds = (ms: number): string => (ms / 1000).toFixed(6);
  // The picture shown at a time is the last that began before it, one frame or less ago.
  const rate = framesPerSecond(probe.video.frameRate);
  const lag = 1000 / (rate >= 5 && rate <= 60 ? rate : 30) - 1;
  const [fromMs, toMs] = 'atMs' in of ? [of.atMs - lag, of.atMs + 1000] : [of.fromMs, of.toMs];
  const drawn = input.outline
    ? [`scale=${small.video.width}:${small.video.height}`, ...(plan.regions.length === 0 ? [] : [`ass=${MASK}`])].join(',')
    : pictureGraph(small, plan, MASK);
  // A recording may end a little after its last picture, which is still shown then.
  const head = `[0:V:0]setpts=PTS-STARTPTS+${seconds(span.startsAtMs)}/TB,tpad=stop_mode=clone:stop_duration=1,trim=start=${seconds(Math.max(0, fromMs))}:end=${seconds(toMs)}`;
  const whole = (tail: string): string => `${head},${drawn},${tail}[out]`;
  const common = [
    '-an',
    '-sn',
    '-dn',
    '-map_metadata',
    '-1',
    '-map_chapters',
    '-1',
    '-fflags',
    '+bitexact',
    '-flags:v',
    '+bitexact',
  ];
  if ('atMs' in of) {
    const picture = ['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-f', 'image2', '-update', '1'];
    return { options: ['-filter_complex', whole('scale=out_range=pc'), '-map', '[out]', ...common, ...picture], to: OUT };
  }
  const film = [
    '-fps_mode',
    'passthrough',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-crf',
    '21',
    '-movflags',
    '+faststart',
    '-f',
    'mp4',
  ];
  return { options: ['-filter_complex', whole('setpts=PTS-STARTPTS'), '-map', '[out]', ...common, ...film], to: OUT };
}

/** The masks in the recording's pixels: libass scales them to the preview. */
function previewScripts(
  plan: RedactionPlan,
  size: { readonly width: number; readonly height: number },
  outline: boolean,
): readonly { readonly name: string; readonly script: string }[] {
  if (!outline) return redactionMasks(plan, size, MASK);
  return [{ name: MASK, script: maskScript(plan, size).replace(/^Style: Box,.*$/m, OUTLINED) }];
}

/** The part of a plan that has to do with what is previewed: thousands of keyframes elsewhere cost time. A clip shortens nothing here. */
export function shown(plan: RedactionPlan, of: PreviewOf): RedactionPlan {
  const [fromMs, toMs] = 'atMs' in of ? [of.atMs - 1000, of.atMs + 1000] : [of.fromMs - 1000, of.toMs + 1000];
  const near = (region: RedactionRegion): RedactionRegion[] => {
    const { keyframes } = region;
    const first = Math.max(
      0,
      keyframes.findLastIndex(({ atMs }) => atMs <= fromMs),
    );
    const after = keyframes.findIndex(({ atMs }) => atMs >= toMs);
    const kept = keyframes.slice(first, after === -1 ? keyframes.length : after + 1);
    return kept.length < 2 ? [] : [{ ...region, keyframes: kept }];
  };
  return { v: plan.v, regions: plan.regions.flatMap(near), mutes: [] };
}
