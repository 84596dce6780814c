import fc from 'fast-check';
import { deviceAsStated, faultOfHandIn, type FileHandedIn } from './hand-in.rules.js';

const file = (name: string, size: number, sha256: string): FileHandedIn => ({
  name,
  size,
  sha256,
  recordedAt: '2026-03-14T09:26:53.000Z',
});

describe('a list of files handed in', () => {
  it('has no fault exactly when every file is different and none is too large', () => {
    const files = fc.array(fc.record({ size: fc.nat(20), sha256: fc.constantFrom('a', 'b', 'c', 'd', 'e') }), { maxLength: 6 });
    fc.assert(
      fc.property(files, (listed) => {
        const fault = faultOfHandIn(
          listed.map(({ size, sha256 }, i) => file(`${i}.mp4`, size, sha256)),
          15,
        );
        const different = new Set(listed.map(({ sha256 }) => sha256)).size === listed.length;
        expect(fault === undefined).toBe(different && listed.every(({ size }) => size <= 15));
      }),
    );
  });

  it('is told which files are the same', () => {
    expect(faultOfHandIn([file('a.mp4', 1, 'x'), file('b.mp4', 1, 'y'), file('c.mp4', 1, 'x')], 9)).toBe(
      'a.mp4 and c.mp4 are the same file. List it once.',
    );
  });
});

describe('what recorded it', () => {
  it.each([
    [undefined, undefined, null],
    ['Pixel', undefined, 'Pixel'],
    ['Pixel', 0, 'Pixel'],
    ['Pixel', 1500, 'Pixel, clock 1500 ms ahead'],
    [undefined, -20, 'device not said, clock 20 ms behind'],
  ])('%s with the clock %s is on record as %s', (device, clockOffsetMs, stated) => {
    expect(deviceAsStated({ ...file('a.mp4', 1, 'x'), device, clockOffsetMs })).toBe(stated);
  });
});
