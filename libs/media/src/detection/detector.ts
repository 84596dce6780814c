import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box } from '../redaction-plan.js';
import { distinct } from './detections.rules.js';
import type { GreyFrame } from './grey-frame.js';
import { OPENCV_VERSION, type Vision } from './vision.js';

export const DETECTABLE = ['face', 'plate'] as const;
export type Detectable = (typeof DETECTABLE)[number];

export interface Detection {
  readonly what: Detectable;
  /** In pixels of the picture that was looked at. */
  readonly box: Box;
}

/** Finds things in a picture. Model, version and threshold go on record with every proposal that comes of it. */
export interface Detector {
  readonly model: string;
  readonly version: string;
  /** With what it counts, e.g. `4 overlapping hits`. */
  readonly threshold: string;
  detect(frame: GreyFrame): Promise<readonly Detection[]>;
}

/** The detector is not installed; tracking works without it. */
export class NoDetector extends Error {
  constructor(
    readonly missing: string,
    options?: ErrorOptions,
  ) {
    super(`The detector's file ${missing} is not installed.`, options);
    this.name = 'NoDetector';
  }
}

interface Cascade {
  readonly file: string;
  readonly mirrored: readonly boolean[];
}

/** Of Debian's package opencv-data. Profiles were learnt from one side, so the picture is looked at in the mirror too. */
const CASCADES: Readonly<Record<Detectable, readonly Cascade[]>> = {
  face: [
    { file: 'haarcascade_frontalface_default.xml', mirrored: [false] },
    { file: 'haarcascade_profileface.xml', mirrored: [false, true] },
  ],
  plate: [{ file: 'haarcascade_russian_plate_number.xml', mirrored: [false] }],
};

/** The first cascade that is not in `folder`; undefined when all are that are needed. */
export async function missingCascade(folder: string, what: readonly Detectable[]): Promise<string | undefined> {
  for (const { file } of what.flatMap((each) => CASCADES[each])) {
    const there = await access(join(folder, file)).then(
      () => true,
      () => false,
    );
    if (!there) return file;
  }
  return undefined;
}

/** Overlapping hits that make a find. Fewer would find more, and more that is not there. */
const NEIGHBOURS = 4;
const SMALLEST = 24;

/**
 * Viola–Jones cascades: quick on a CPU, installed by the package manager, and modest. They find upright faces that look at the camera or are
 * seen from the side, well lit and not small, and plates of the European kind seen from the front; they miss much else and take some textures for faces.
 */
export class CascadeDetector implements Detector {
  readonly model = 'opencv-haar-cascades';
  readonly threshold = `${NEIGHBOURS} overlapping hits`;

  private constructor(
    private readonly vision: Vision,
    private readonly passes: readonly { readonly what: Detectable; readonly cascade: string; readonly mirrored: boolean }[],
    readonly version: string,
  ) {}

  /** @throws NoDetector when a cascade is not in `folder`; MediaError `failed` when OpenCV cannot read it */
  static async load(vision: Vision, folder: string, what: readonly Detectable[]): Promise<CascadeDetector> {
    const wanted = what.flatMap((each) => CASCADES[each].map((cascade) => ({ what: each, ...cascade })));
    const names: string[] = [];
    for (const { file } of wanted) {
      const xml = await readFile(join(folder, file)).catch((cause: unknown) => {
        throw new NoDetector(file, { cause });
      });
      await vision.load(file, xml);
      names.push(`${file} ${createHash('sha256').update(xml).digest('hex').slice(0, 16)}`);
    }
    const passes = wanted.flatMap(({ what: each, file, mirrored }) =>
      mirrored.map((side) => ({ what: each, cascade: file, mirrored: side })),
    );
    return new CascadeDetector(vision, passes, [OPENCV_VERSION, ...names].join(', '));
  }

  async detect(frame: GreyFrame): Promise<readonly Detection[]> {
    const found: (Box & { what: Detectable })[] = [];
    for (const { what, cascade, mirrored } of this.passes) {
      const boxes = await this.vision.detect(frame, { cascade, mirrored, neighbours: NEIGHBOURS, smallest: SMALLEST });
      found.push(...boxes.map((box) => ({ what, ...box })));
    }
    return DETECTABLE.flatMap((what) =>
      distinct(found.filter((each) => each.what === what)).map(({ x, y, width, height }) => ({
        what,
        box: { x, y, width, height },
      })),
    );
  }
}
