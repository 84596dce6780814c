import fc from 'fast-check';
import { tilePath } from '#tlog';
import { isCovered, parseTileLevel, parseTilePath } from './log-tile-path.rules.js';

describe('the path of a tile', () => {
  it('reads the examples of C2SP tlog-tiles', () => {
    expect(parseTilePath('x001/x234/067')).toEqual({ index: 1234067n, width: 256 });
    expect(parseTilePath('273.p/112')).toEqual({ index: 273n, width: 112 });
    expect(parseTilePath('000')).toEqual({ index: 0n, width: 256 });
  });

  it('reads whatever tilePath writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.integer({ min: 1, max: 256 }), (index, width) => {
        expect(parseTilePath(tilePath(0, index, width).slice('tile/0/'.length))).toEqual({ index, width });
      }),
    );
  });

  it.each([
    ...['', '0', '00', '0000', 'x000', 'x000/000', '001/234', 'x001/x234', '/000', '000/', 'X001/234', '-01', '٠٠٠', '000\n'],
    ...['000.p', '000.p/', '000.p/0', '000.p/01', '000.p/256', '000.p/257', '000.p/1/2', '000.p/x01', '000.P/1', 'x000.p/1/000'],
  ])('refuses %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('has a level from 0 to 63 in its shortest spelling', () => {
    for (let level = 0; level <= 63; level++) expect(parseTileLevel(String(level))).toBe(level);
    for (const other of ['64', '00', '01', '-1', '1.0', '', 'x', ' 1', '100']) expect(parseTileLevel(other)).toBeUndefined();
  });
});

describe('what a checkpoint covers', () => {
  it('is what C2SP tlog-tiles says of a tree of 70,000 leaves, and nothing beyond', () => {
    const size = 70_000n;
    const widest = (level: number, index: bigint): number =>
      Array.from({ length: 256 }, (_, i) => i + 1).filter((width) => isCovered(level, { index, width }, size)).length;
    expect([widest(0, 272n), widest(0, 273n), widest(0, 274n)]).toEqual([256, 112, 0]);
    expect([widest(1, 0n), widest(1, 1n), widest(1, 2n)]).toEqual([256, 17, 0]);
    expect([widest(2, 0n), widest(2, 1n), widest(3, 0n), widest(63, 0n)]).toEqual([1, 0, 0, 0]);
  });
});
