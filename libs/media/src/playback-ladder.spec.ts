import fc from 'fast-check';
import { ladderOf, playbackRate } from './playback-ladder.js';

describe('ladderOf', () => {
  it.each([
    [1920, 1080, ['1080p 1920×1080', '720p 1280×720', '360p 640×360']],
    [3840, 2160, ['1080p 1920×1080', '720p 1280×720', '360p 640×360']],
    [1280, 720, ['720p 1280×720', '360p 640×360']],
    [640, 480, ['480p 640×480', '360p 480×360']],
    [640, 360, ['360p 640×360']],
    [320, 240, ['240p 320×240']],
    [1080, 1920, ['1080p 1080×1920', '720p 720×1280', '360p 360×640']],
    [1440, 1080, ['1080p 1440×1080', '720p 960×720', '360p 480×360']],
    [3840, 1080, ['540p 1920×540', '360p 1280×360', '180p 640×180']],
    [321, 181, ['180p 320×180']],
    [4000, 2, ['2p 1920×2']],
    [1, 1, ['2p 2×2']],
  ])('plays %i×%i in %j', (width, height, expected) => {
    expect(ladderOf(width, height).map((rung) => `${rung.name} ${rung.width}×${rung.height}`)).toEqual(expected);
  });

  it('never enlarges, keeps sides even and shapes alike, and gives each size once, from large to small', () => {
    const side = fc.integer({ min: 16, max: 16_384 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const rungs = ladderOf(width, height);
        expect(new Set(rungs.map(({ name }) => name)).size).toBe(rungs.length);
        for (const [at, rung] of rungs.entries()) {
          expect((rung.width % 2) + (rung.height % 2)).toBe(0);
          expect(rung.width <= width && rung.height <= height).toBe(true);
          expect(Math.max(rung.width, rung.height)).toBeLessThanOrEqual(1920);
          expect(Math.min(rung.width, rung.height)).toBeLessThanOrEqual(1080);
          const above = rungs[at - 1];
          if (above !== undefined) expect(rung.width * rung.height).toBeLessThan(above.width * above.height);
          // Cutting to even sides moves each by less than two pixels.
          expect(Math.abs(rung.width * height - rung.height * width)).toBeLessThanOrEqual(2 * (width + height));
        }
      }),
    );
  });
});

describe('playbackRate', () => {
  it.each([
    ['30/1', '30/1'],
    ['30000/1001', '30000/1001'],
    ['24000/1001', '24000/1001'],
    ['25/1', '25/1'],
    ['60/1', '60/1'],
    ['1710/89', '30'],
    ['4171/90', '60'],
    ['120/1', '60'],
    ['0/0', '30'],
  ])('plays %s at %s', (source, rate) => {
    expect(playbackRate(source)).toBe(rate);
  });
});
