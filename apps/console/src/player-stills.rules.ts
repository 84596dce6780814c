/** One of the small pictures that a seek bar shows, and where it lies on its sheet. */
export interface Still {
  readonly fromMs: number;
  readonly toMs: number;
  /** File name of the sheet. */
  readonly sheet: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CUE = /^(\d+):(\d{2}):(\d{2})\.(\d{3}) --> (\d+):(\d{2}):(\d{2})\.(\d{3})[^\n]*\n([^\n#]+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;

/** Reads WebVTT whose cues are pieces of pictures (Media Fragments §4.2.2). What it cannot read it leaves out: a still is missing then. */
export function stillsIn(text: string): readonly Still[] {
  return [...text.replaceAll('\r\n', '\n').matchAll(CUE)].flatMap((cue) => {
    const [, ...fields] = cue;
    const sheet = fields[8] ?? '';
    const [h = 0, m = 0, s = 0, ms = 0, h2 = 0, m2 = 0, s2 = 0, ms2 = 0] = fields.slice(0, 8).map(Number);
    const [x = 0, y = 0, width = 0, height = 0] = fields.slice(9).map(Number);
    const at = (hours: number, minutes: number, seconds: number, rest: number): number =>
      ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest;
    // A name beside the track's own, and nowhere else.
    if (!/^[\w.-]+$/.test(sheet) || width === 0 || height === 0) return [];
    return [{ fromMs: at(h, m, s, ms), toMs: at(h2, m2, s2, ms2), sheet, x, y, width, height }];
  });
}

/** The still that stands for that moment; of a moment between two the one before. */
export function stillAt(stills: readonly Still[], ms: number): Still | undefined {
  return stills.findLast(({ fromMs }) => fromMs <= ms) ?? stills[0];
}
