import type { FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MASK_GRAIN, maskSize } from './redaction-mask.js';
import type { RedactionMute, RedactionPlan } from './redaction-plan.js';

/** Raise it whenever the arguments below change what comes out. */
export const REDACTION_RECIPE = 'redaction-h264-v1';

/** The fill in limited-range YUV: black. Solid, because blurred faces are identified again by machine (arXiv 2506.12344). */
export const FILL = { y: 16, u: 128, v: 128 } as const;

export const AUDIO_RATE = 48_000;

/**
 * Muting reaches this far beyond the span on both sides: an AAC block spreads what is loud next to the span over 2,048 samples (43 ms at
 * 48 kHz), and a mute decides for blocks of 48 samples.
 */
export const MUTE_MARGIN_MS = 50;

/** Expressions of more than about fifty spans do not parse. */
const SPANS_PER_FILTER = 40;

/** H.264 in 4:2:0 needs even sides: an odd source gets one more column or row. */
export function redactedSize(probe: Probe): { readonly width: number; readonly height: number } {
  return { width: probe.video.width + (probe.video.width % 2), height: probe.video.height + (probe.video.height % 2) };
}

/**
 * Everything ffmpeg is told for the redacted file. The mask is drawn on copies of the source's own frames and so has their timestamps: one
 * with a clock of its own breaks recordings of variable frame rate.
 *
 * @param mask name of the ASS file (`maskScript`) in the working folder; plain letters, since it stands inside a filter graph
 */
export function redactionArguments(
  probe: Probe,
  plan: RedactionPlan,
  files: { readonly mask: string; readonly out: string },
): FfmpegOutput {
  const sound = probe.audio === null ? [] : [soundGraph(plan.mutes)];
  const graph = [...pictureGraph(probe, plan, files.mask), ...sound].join(';');
  const maps = probe.audio === null ? ['-map', '[picture]'] : ['-map', '[picture]', '-map', '[sound]'];
  return {
    options: [
      ...['-filter_complex', graph, ...maps],
      // The source's timestamps, in a unit that all cameras' frame rates and Matroska's milliseconds divide. Behind a filter graph ffmpeg
      // does not know the source's own unit, and would round to whole frames.
      ...['-fps_mode', 'passthrough', '-enc_time_base', '1/90000'],
      // No B-frames, so that nothing shifts the picture. Threads fixed, since x264's output depends on their number.
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '18', '-bf', '0', '-threads:v', '4'],
      ...(probe.audio === null
        ? []
        : ['-c:a', 'aac', '-b:a', '160k', '-ac', String(Math.min(2, Math.max(1, probe.audio.channels)))]),
      // What a naive re-encode leaks: titles, location, chapters, handler names, timecode and data tracks, caption SEI, frames that an edit
      // list hides. All SEI goes as well, not only captions.
      ...['-sn', '-dn', '-map_metadata', '-1', '-map_metadata:s:v', '-1', '-map_metadata:s:a', '-1', '-map_chapters', '-1'],
      ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-a53cc', '0', '-udu_sei', '0'],
      ...['-bsf:v', 'filter_units=remove_types=6'],
      // The result's own edit list stays: without one the muxer stretches the first frame by the sound encoder's delay (21 ms), and a
      // picture that begins after the sound would lose its place. `checkRedaction` sees to it that it hides no frame. The edit list counts in
      // the movie's own unit, by default whole milliseconds.
      ...['-write_tmcd', '0', '-movflags', '+faststart', '-movie_timescale', '90000', '-f', 'mp4'],
    ],
    to: files.out,
  };
}

function pictureGraph(probe: Probe, plan: RedactionPlan, mask: string): string[] {
  const { width, height } = redactedSize(probe);
  const upright = `[0:V:0]scale=${probe.video.width}:${probe.video.height}:out_range=tv,format=yuv420p,pad=${width}:${height}`;
  if (plan.regions.length === 0) return [`${upright}[picture]`];
  const small = maskSize({ width, height });
  const enlarged = (grain: number, w: number, h: number): string =>
    `scale=${small.width * grain}:${small.height * grain}:flags=neighbor,crop=${w}:${h}:0:0`;
  return [
    `${upright},split=3[base][solid][copy]`,
    `[copy]extractplanes=y,scale=${small.width}:${small.height}:flags=neighbor,lutyuv=y=0,ass=${mask},lutyuv=y='gt(val,40)*255',split=2[luma][colour]`,
    `[luma]${enlarged(MASK_GRAIN, width, height)}[m0]`,
    `[colour]${enlarged(MASK_GRAIN / 2, width / 2, height / 2)},split=2[m1][m2]`,
    '[m0][m1][m2]mergeplanes=0x001020:yuv420p[mask]',
    `[solid]lutyuv=y=${FILL.y}:u=${FILL.u}:v=${FILL.v}[fill]`,
    '[base][fill][mask]maskedmerge[picture]',
  ];
}

/** Small blocks before the mute: `volume` decides for a whole block, and the decoder's would leak up to 21 ms of speech. */
function soundGraph(mutes: readonly RedactionMute[]): string {
  const filters = [`aresample=${AUDIO_RATE}:async=1:first_pts=0`];
  if (mutes.length > 0) filters.push('asetnsamples=n=48:p=0');
  for (let first = 0; first < mutes.length; first += SPANS_PER_FILTER) {
    const spans = mutes.slice(first, first + SPANS_PER_FILTER).map(({ fromMs, toMs }) => {
      return `between(t,${seconds(fromMs - MUTE_MARGIN_MS)},${seconds(toMs + MUTE_MARGIN_MS)})`;
    });
    filters.push(`volume=0:enable='${spans.join('+')}'`);
  }
  return `[0:a:0]${filters.join(',')}[sound]`;
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
