import { FILL } from './redaction-arguments.js';
import { FrameInspector } from './redaction-frame-inspector.js';
import type { RedactionRegion } from './redaction-plan.js';

const [width, height] = [160, 120];
const region: RedactionRegion = {
  shape: 'rectangle',
  keyframes: [0, 1000].map((atMs) => ({ atMs, x: 13, y: 17, width: 99, height: 81 })),
  reason: 'juvenile',
};

/** Covered all over. */
function frame(): Buffer {
  const picture = Buffer.alloc((width * height * 3) / 2, FILL.u);
  picture.fill(FILL.y, 0, width * height);
  return picture;
}

/** Ten frames, of which the sixth has something in it. */
async function seen(spoil: (picture: Buffer) => void): Promise<string[]> {
  const times = Float64Array.from({ length: 10 }, (_, index) => index * 100);
  const inspector = new FrameInspector([region], { width, height }, times);
  for (const at of times.keys()) {
    const picture = frame();
    if (at === 5) spoil(picture);
    inspector.write(picture);
  }
  await new Promise<void>((done) => inspector.end(done));
  return inspector.faults();
}

/** Adds to the brightness, or to one colour, of a patch of the plane. */
const raised =
  (by: number, x: number, y: number, w: number, h: number, plane: 'y' | 'u' | 'v' = 'y') =>
  (picture: Buffer): void => {
    const across = plane === 'y' ? width : width / 2;
    const offset = plane === 'y' ? 0 : width * height * (plane === 'u' ? 1 : 1.25);
    for (let row = y; row < y + h; row += 1) {
      for (let column = x; column < x + w; column += 1) {
        const at = offset + row * across + column;
        picture.writeUInt8(picture.readUInt8(at) + by, at);
      }
    }
  };

describe('FrameInspector', () => {
  const inOneFrame = [expect.stringMatching(/^Region 1 is not covered in 1 frames, first in frame 5 at 0.500 s: /) as string];

  it('finds nothing where all is covered, and does not care for what lies beside', async () => {
    expect(await seen(() => undefined)).toEqual([]);
    expect(await seen(raised(100, 0, 0, width, 17))).toEqual([]);
    expect(await seen(raised(100, 112, 0, 48, height))).toEqual([]);
  });

  it('finds a single row or column at the edge of a single frame, and colour alone', async () => {
    expect(await seen(raised(60, 13, 17, 99, 1))).toEqual(inOneFrame);
    expect(await seen(raised(60, 13, 97, 99, 1))).toEqual(inOneFrame);
    expect(await seen(raised(60, 13, 17, 1, 81))).toEqual(inOneFrame);
    expect(await seen(raised(60, 111, 17, 1, 81))).toEqual(inOneFrame);
    expect(await seen(raised(20, 6, 8, 50, 1, 'u'))).toEqual(inOneFrame);
    expect(await seen(raised(20, 55, 8, 1, 41, 'v'))).toEqual(inOneFrame);
  });

  it('finds a part that is too dark, as at night, to stand out in any pixel or on the average of a large region', async () => {
    expect(await seen(raised(9, 40, 40, 24, 20))).toEqual(inOneFrame);
    expect(await seen(raised(8, 20, 30, 12, 12, 'v'))).toEqual(inOneFrame);
    expect(await seen(raised(10, 13, 97, 99, 1))).toEqual(inOneFrame);
  });

  it('takes what coding leaves for nothing', async () => {
    expect(
      await seen((picture) => {
        for (let at = 0; at < width * height; at += 97) picture.writeUInt8(FILL.y + 10, at);
        raised(2, 20, 20, 16, 8)(picture);
      }),
    ).toEqual([]);
  });
});
