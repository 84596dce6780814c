import type { FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MASK_GRAIN, maskSize, redactionMasks } from './redaction-mask.js';
import type { RedactionMask } from './redaction-mask.js';
import type { RedactionPlan } from './redaction-plan.js';
import { outChannels, soundGraph } from './redaction-sound.js';

/** Raise it whenever the arguments below change what comes out. */
export const REDACTION_RECIPE = 'redaction-h264-v4';

/** The fill in limited-range YUV: black. Solid, because blurred faces are identified again by machine (arXiv 2506.12344). */
export const FILL = { y: 16, u: 128, v: 128 } as const;

/** Ticks of the result's clock in a millisecond: one that all cameras' frame rates and Matroska's milliseconds divide. */
const TICKS_PER_MS = 90;

/** The least share of the picture's shorter side that one block of a mosaic takes. */
const BLOCKS_ACROSS = 18;
const MACROBLOCK = 16;

/** H.264 in 4:2:0 needs even sides: an odd source gets one more column or row. */
export function redactedSize(probe: Probe): { readonly width: number; readonly height: number } {
  return { width: probe.video.width + (probe.video.width % 2), height: probe.video.height + (probe.video.height % 2) };
}

/**
 * The side of one block of a mosaic, in pixels: at least an eighteenth of the picture's shorter side, so that a face two metres away is two or three
 * blocks wide, and a whole number of H.264's macroblocks, so that coding draws no edges of its own into a block. A blur is the mosaic's
 * blocks run together, and holds no more than it.
 */
export function blockSize(size: { readonly width: number; readonly height: number }): number {
  return MACROBLOCK * Math.ceil(Math.min(size.width, size.height) / BLOCKS_ACROSS / MACROBLOCK);
}

/**
 * Everything ffmpeg is told for the redacted file. Masks are drawn on copies of the source's own frames and so have their timestamps: one
 * with a clock of its own breaks recordings of variable frame rate.
 *
 * A clip keeps the frames shown at `fromMs` or later and before `toMs`, and counts from `fromMs`: a frame's new time is its old one less `fromMs`.
 *
 * @param mask name of the mask of solid regions in the working folder, where all of `redactionMasks` must lie; plain letters, since it stands
 *   inside a filter graph
 */
export function redactionArguments(
  probe: Probe,
  plan: RedactionPlan,
  files: { readonly mask: string; readonly out: string },
): FfmpegOutput {
  const sound =
    probe.audio === null ? [] : ['-filter_complex', `[${soundTrack(probe.audio)}]${soundGraph(probe.audio, plan)}[sound]`];
  const maps = probe.audio === null ? ['-map', '[picture]'] : ['-map', '[picture]', '-map', '[sound]'];
  return {
    options: [
      // A graph of its own for the sound: when the picture changes its size midway, ffmpeg begins the picture's graph anew, and would the sound's.
      ...[
        '-filter_complex',
        `[0:${probe.video.index ?? 'V:0'}]${pictureGraph(probe, plan, files.mask)}[picture]`,
        ...sound,
        ...maps,
      ],
      // The source's timestamps. Behind a filter graph ffmpeg does not know the source's own unit, and would round to whole frames.
      ...['-fps_mode', 'passthrough', '-enc_time_base', `1/${TICKS_PER_MS * 1000}`],
      // No B-frames, so that nothing shifts the picture. Threads fixed, since x264's output depends on their number.
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '18', '-bf', '0', '-threads:v', '4'],
      ...(probe.audio === null ? [] : ['-c:a', 'aac', '-b:a', '160k', '-ac', String(outChannels(probe.audio))]),
      // What a naive re-encode leaks: titles, location, chapters, handler names, timecode and data tracks, caption SEI, frames that an edit
      // list hides. All SEI goes as well, not only captions.
      ...['-sn', '-dn', '-map_metadata', '-1', '-map_metadata:s:v', '-1', '-map_metadata:s:a', '-1', '-map_chapters', '-1'],
      ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-a53cc', '0', '-udu_sei', '0'],
      // ffmpeg 7 does not know how long a picture behind `trim` is shown: the last one, which no other follows, would be hidden.
      ...['-bsf:v', `filter_units=remove_types=6,setts=duration=if(gt(DURATION\\,0)\\,DURATION\\,${ticksPerFrame(probe)})`],
      // The result's own edit list stays: without one the muxer stretches the first frame by the sound encoder's delay (21 ms), and a
      // picture that begins after the sound would lose its place. `checkRedaction` sees to it that it hides no frame. The edit list counts in
      // the movie's own unit, by default whole milliseconds.
      ...['-write_tmcd', '0', '-movflags', '+faststart', '-movie_timescale', String(TICKS_PER_MS * 1000), '-f', 'mp4'],
    ],
    to: files.out,
  };
}

/** Of the result's clock; the average, where the rate varies, and a thirtieth of a second, where the file does not state it. */
function ticksPerFrame({ video }: Probe): number {
  const [pictures = 0, seconds = 1] = video.frameRate.split('/').map(Number);
  const ticks = Math.round((TICKS_PER_MS * 1000 * seconds) / pictures);
  return ticks > 0 && Number.isSafeInteger(ticks) ? ticks : Math.round((TICKS_PER_MS * 1000) / 30);
}

/** Other tracks are left out: they may be other microphones, or a translation with the names in it. */
function soundTrack({ index }: NonNullable<Probe['audio']>): string {
  return index === undefined ? '0:a:0' : `0:${index}`;
}

/**
 * The filters from the source's picture to the redacted one, without the labels at both ends: a preview draws with the same.
 * What a mosaic or blur shows is made from the source's frames; solid fills come last, over everything.
 */
export function pictureGraph(probe: Probe, plan: RedactionPlan, mask: string): string {
  const size = redactedSize(probe);
  const { clip } = plan;
  const cut =
    clip === undefined
      ? ''
      : `settb=1/${TICKS_PER_MS * 1000},trim=start_pts=${clip.fromMs * TICKS_PER_MS}:end_pts=${clip.toMs * TICKS_PER_MS},`;
  // At the very end: until there, masks and plan share the recording's time.
  const restart = clip === undefined ? '' : `,settb=1/${TICKS_PER_MS * 1000},setpts=PTS-${clip.fromMs * TICKS_PER_MS}`;
  const upright = `${cut}${uprightFilters(probe, size)}`;
  const masks = redactionMasks(plan, size, mask);
  if (masks.length === 0) return `${upright}${restart}`;
  const copies = masks.flatMap(({ style }) => [`[${style}]`, `[${style}frames]`]).join('');
  const layers = masks.flatMap(({ style, name }, index) => {
    const below = index === 0 ? 'base' : `covered${index}`;
    const above = index === masks.length - 1 ? restart : `[covered${index + 1}]`;
    return [
      maskGraph(style, name, size),
      `[${style}]${fillFilter(style, size)}[${style}fill]`,
      `[${below}][${style}fill][${style}mask]maskedmerge${above}`,
    ];
  });
  return [`${upright},split=${1 + 2 * masks.length}[base]${copies}`, ...layers].join(';');
}

/**
 * Every frame in limited-range 4:2:0 and of one size, also where the recording changes its own midway. Frames that are so already must come through
 * uncopied: `scale` copies them as soon as it is told a range, `pad` whenever the decoder still needs them.
 */
function uprightFilters({ video }: Probe, size: { readonly width: number; readonly height: number }): string {
  // Of these two, full range is another pixel format (yuvj420p) and is converted as one; other decoders say it beside the format.
  const saysRangeByFormat = ['h264', 'hevc'].includes(video.codec) && video.pixelFormat === 'yuv420p';
  const scale = `scale=${video.width}:${video.height}${saysRangeByFormat ? '' : ':out_range=tv'},format=yuv420p`;
  const isEven = size.width === video.width && size.height === video.height;
  return isEven ? scale : `${scale},pad=${size.width}:${size.height}`;
}

/**
 * White where the style's regions are: drawn small, then enlarged so that each sample covers whole pixels of brightness and of colour.
 *
 * All on one plane up to the enlarging (hence `lut`, since `lutyuv` would be given three), and in a corner cut from each frame without copying it,
 * since only its time is wanted. The threshold is less than a sixth of libass's white, which is 235 or 255 by ffmpeg's version.
 */
function maskGraph(
  style: RedactionMask['style'],
  name: string,
  size: { readonly width: number; readonly height: number },
): string {
  const small = maskSize(size);
  return (
    `[${style}frames]crop=${small.width}:${small.height}:0:0:exact=1,extractplanes=y,lut=c0=0,ass=${name},lut=c0='gt(val,36)*255',` +
    `mergeplanes=0x000000:yuv444p,scale=${small.width * MASK_GRAIN}:${small.height * MASK_GRAIN}:flags=neighbor,format=yuv420p,` +
    `crop=${size.width}:${size.height}:0:0[${style}mask]`
  );
}

function fillFilter(style: RedactionMask['style'], size: { readonly width: number; readonly height: number }): string {
  const block = blockSize(size);
  const mosaic = `pixelize=w=${block}:h=${block}:mode=avg`;
  // No radius may be over half a plane.
  const radius = (step: number): number => Math.floor(Math.min(block / 2, Math.min(size.width, size.height) / 2) / step);
  switch (style) {
    case 'solid':
      // One picture does for all frames: `maskedmerge` goes on with the last one of an input that has ended.
      return `trim=end_frame=1,lutyuv=y=${FILL.y}:u=${FILL.u}:v=${FILL.v}`;
    case 'mosaic':
      return mosaic;
    case 'blur':
      return `${mosaic},boxblur=luma_radius=${radius(1)}:luma_power=1:chroma_radius=${radius(2)}:chroma_power=1`;
  }
}
