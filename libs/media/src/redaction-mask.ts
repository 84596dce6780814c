import type { Keyframe, RedactionPlan } from './redaction-plan.js';

/** The mask is drawn with one sample for so many pixels in each direction, which keeps its cost small. */
export const MASK_GRAIN = 4;

/**
 * Every box is drawn larger by this much on each side. One grain would do to cover it: whichever sample a pixel falls into lies whole inside
 * the drawn box. The second keeps what H.264 spreads from outside (a transform block is 8 pixels of brightness or of colour) off the box.
 */
export const MASK_MARGIN = 8;

/** Samples of the mask for a picture of this size. */
export function maskSize(size: { readonly width: number; readonly height: number }): {
  readonly width: number;
  readonly height: number;
} {
  return { width: Math.ceil(size.width / MASK_GRAIN), height: Math.ceil(size.height / MASK_GRAIN) };
}

/**
 * The plan's regions as an ASS script (white boxes, one event per keyframe interval, moved and resized by libass). In picture coordinates;
 * libass scales it to the mask. The plan must have passed `checkPlan`.
 */
export function maskScript(plan: RedactionPlan, size: { readonly width: number; readonly height: number }): string {
  const mask = maskSize(size);
  const events = plan.regions.flatMap(({ keyframes }) =>
    keyframes.slice(1).map((to, index) => event(keyframes[index] as Keyframe, to)),
  );
  return [
    '[Script Info]',
    'ScriptType: v4.00+',
    `PlayResX: ${mask.width * MASK_GRAIN}`,
    `PlayResY: ${mask.height * MASK_GRAIN}`,
    'WrapStyle: 2',
    'YCbCr Matrix: None',
    '',
    '[V4+ Styles]',
    'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ' +
      'ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding',
    'Style: Box,sans,10,&H00FFFFFF,&H00FFFFFF,&H00FFFFFF,&H00FFFFFF,0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1',
    '',
    '[Events]',
    'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
    ...events,
    '',
  ].join('\n');
}

function event(from: Keyframe, to: Keyframe): string {
  // An event counts in centiseconds and does not include its end: begin early, end late, and let the overlap cover a little too much.
  const startCs = Math.floor(from.atMs / 10);
  const endCs = Math.floor(to.atMs / 10) + 1;
  const times = `${from.atMs - startCs * 10},${to.atMs - startCs * 10}`;
  const [a, b] = [grown(from), grown(to)];
  const place = a.x === b.x && a.y === b.y ? `\\pos(${a.x},${a.y})` : `\\move(${a.x},${a.y},${b.x},${b.y},${times})`;
  const resize = a.width === b.width && a.height === b.height ? '' : `\\t(${times},\\fscx${b.width}\\fscy${b.height})`;
  // The drawing is a square of 100, so that a scale in per cent is a size in pixels.
  const text = `{${place}\\fscx${a.width}\\fscy${a.height}${resize}\\p1}m 0 0 l 100 0 100 100 0 100`;
  return `Dialogue: 0,${clock(startCs)},${clock(endCs)},Box,,0,0,0,,${text}`;
}

function grown(box: Keyframe): { x: number; y: number; width: number; height: number } {
  return {
    x: box.x - MASK_MARGIN,
    y: box.y - MASK_MARGIN,
    width: box.width + 2 * MASK_MARGIN,
    height: box.height + 2 * MASK_MARGIN,
  };
}

function clock(centiseconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(centiseconds / 100);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${two(centiseconds % 100)}`;
}
