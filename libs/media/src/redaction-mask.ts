import type { Box, Keyframe, RedactionPlan, RedactionRegion } from './redaction-plan.js';

/** The mask is drawn with one sample for so many pixels in each direction, which keeps its cost small. */
export const MASK_GRAIN = 4;

/**
 * Every shape is drawn larger by this much on each side. One grain would do to cover a rectangle: whichever sample a pixel falls into lies
 * whole inside the drawn box. The second keeps what H.264 spreads from outside (a transform block is 8 pixels of brightness or of colour) off it.
 */
export const MASK_MARGIN = 2 * MASK_GRAIN;

/** A slanting edge cuts a sample across its corners: the first grain counts by its diagonal. */
const SLANTED_MARGIN = Math.ceil(MASK_GRAIN * Math.SQRT2) + MASK_GRAIN;

/** How far the control points of four Bezier curves lie from the middle to make an ellipse, per half axis: never inside, at most 0.03 % outside. */
const ELLIPSE_HANDLE = 0.5523;

/** Drawings are made on a square of so many units and scaled to their box: in per cent, a pixel is a tenth. */
const UNITS = 1000;

type Style = NonNullable<RedactionRegion['style']>;

/** In the order they are laid over each other: where regions overlap, what hides most lies on top. */
const STYLES: readonly Style[] = ['mosaic', 'blur', 'solid'];

/** One mask for each style that a plan uses, whatever the number of its regions. */
export interface RedactionMask {
  readonly style: Style;
  /** Of the ASS file. */
  readonly name: string;
  readonly script: string;
}

/** @param name of the mask of solid regions; the others' names begin with their style */
export function redactionMasks(
  plan: RedactionPlan,
  size: { readonly width: number; readonly height: number },
  name: string,
): readonly RedactionMask[] {
  return STYLES.flatMap((style) => {
    const regions = plan.regions.filter((region) => (region.style ?? 'solid') === style);
    if (regions.length === 0) return [];
    return [{ style, name: style === 'solid' ? name : `${style}-${name}`, script: maskScript({ ...plan, regions }, size) }];
  });
}

/** Samples of the mask for a picture of this size. */
export function maskSize(size: { readonly width: number; readonly height: number }): {
  readonly width: number;
  readonly height: number;
} {
  return { width: Math.ceil(size.width / MASK_GRAIN), height: Math.ceil(size.height / MASK_GRAIN) };
}

/**
 * The plan's regions of every style as an ASS script (white shapes, one event per keyframe interval, moved and resized by libass). In
 * picture coordinates and the recording's own time, whatever the clip; libass scales it to the mask. The plan must have passed `checkPlan`.
 */
export function maskScript(plan: RedactionPlan, size: { readonly width: number; readonly height: number }): string {
  const mask = maskSize(size);
  const events = plan.regions.flatMap((region) => {
    const drawing = drawingOf(region);
    return region.keyframes.slice(1).map((to, index) => event(drawing, region.keyframes[index] as Keyframe, to));
  });
  return [
    '[Script Info]',
    'ScriptType: v4.00+',
    `PlayResX: ${mask.width * MASK_GRAIN}`,
    `PlayResY: ${mask.height * MASK_GRAIN}`,
    'WrapStyle: 2',
    'ScaledBorderAndShadow: yes',
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

interface Drawing {
  /** ASS drawing commands that reach from 0 to the full width and height of `part`, since libass places a drawing by what it covers. */
  readonly path: string;
  /** The part of the region's box that the drawing covers, in thousandths. */
  readonly part: Box;
  /** Pixels by which the box is enlarged, and by which libass draws a border around the shape. */
  readonly grown: number;
  readonly border: number;
}

function drawingOf(region: RedactionRegion): Drawing {
  const whole = { x: 0, y: 0, width: UNITS, height: UNITS };
  // Scaling a curve or a polygon keeps no even distance from it; a border does (it is the shape widened by a disc).
  const edged = { grown: 0, border: SLANTED_MARGIN };
  switch (region.shape) {
    case 'rectangle':
      return { path: `m 0 0 l ${UNITS} 0 ${UNITS} ${UNITS} 0 ${UNITS}`, part: whole, grown: MASK_MARGIN, border: 0 };
    case 'ellipse':
      return { path: ellipsePath(), part: whole, ...edged };
    case 'polygon': {
      const [xs, ys] = [0, 1].map((axis) => (region.outline ?? []).map((corner) => corner[axis] as number)) as [
        number[],
        number[],
      ];
      const part = { x: Math.min(...xs), y: Math.min(...ys), width: Math.max(...xs), height: Math.max(...ys) };
      const corners = xs.map((x, index) => `${x - part.x} ${(ys[index] as number) - part.y}`);
      const path = `m ${corners[0] ?? ''} l ${corners.slice(1).join(' ')}`;
      return { path, part: { ...part, width: part.width - part.x, height: part.height - part.y }, ...edged };
    }
  }
}

function ellipsePath(): string {
  const [half, near] = [UNITS / 2, Math.floor((UNITS / 2) * (1 - ELLIPSE_HANDLE))];
  const far = UNITS - near;
  return (
    `m ${half} 0 b ${far} 0 ${UNITS} ${near} ${UNITS} ${half} b ${UNITS} ${far} ${far} ${UNITS} ${half} ${UNITS} ` +
    `b ${near} ${UNITS} 0 ${far} 0 ${half} b 0 ${near} ${near} 0 ${half} 0`
  );
}

/** Pixels that a region may move in a millisecond and still leave half of what the margin keeps for the coding. */
const SLOW = 2;

/**
 * libass is told whole milliseconds, those that have passed: what it draws may be where the region was up to one ago. Nothing to a person who walks,
 * but a region that leaps from one place to another within a few milliseconds would be drawn at neither.
 */
function lag(from: Keyframe, to: Keyframe): number {
  const side = (place: 'x' | 'y', length: 'width' | 'height'): number =>
    Math.max(Math.abs(to[place] - from[place]), Math.abs(to[place] + to[length] - from[place] - from[length]));
  const pixels = Math.hypot(side('x', 'width'), side('y', 'height')) / (to.atMs - from.atMs);
  return pixels > SLOW ? Math.ceil(pixels) : 0;
}

function event(shape: Drawing, from: Keyframe, to: Keyframe): string {
  const more = lag(from, to);
  const drawing = shape.border === 0 ? { ...shape, grown: shape.grown + more } : { ...shape, border: shape.border + more };
  // An event counts in centiseconds and does not include its end: begin early, end late, and let the overlap cover a little too much.
  const startCs = Math.floor(from.atMs / 10);
  const endCs = Math.floor(to.atMs / 10) + 1;
  const times = `${from.atMs - startCs * 10},${to.atMs - startCs * 10}`;
  const [a, b] = [placed(drawing, from), placed(drawing, to)];
  const place = a.x === b.x && a.y === b.y ? `\\pos(${a.x},${a.y})` : `\\move(${a.x},${a.y},${b.x},${b.y},${times})`;
  const resize = a.width === b.width && a.height === b.height ? '' : `\\t(${times},\\fscx${b.width}\\fscy${b.height})`;
  const border = drawing.border === 0 ? '' : `\\bord${drawing.border}`;
  const text = `{${place}${border}\\fscx${a.width}\\fscy${a.height}${resize}\\p1}${drawing.path}`;
  return `Dialogue: 0,${clock(startCs)},${clock(endCs)},Box,,0,0,0,,${text}`;
}

/** Where the drawing begins, in pixels, and its scale in per cent of its units. */
function placed({ part, grown }: Drawing, box: Box): Box {
  const exact = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    x: exact(box.x + (part.x * box.width) / UNITS - grown),
    y: exact(box.y + (part.y * box.height) / UNITS - grown),
    width: exact((box.width + 2 * grown) / (UNITS / 100)),
    height: exact((box.height + 2 * grown) / (UNITS / 100)),
  };
}

function clock(centiseconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(centiseconds / 100);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${two(centiseconds % 100)}`;
}
