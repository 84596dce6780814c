import { createHash } from 'node:crypto';
import { EMPTY_RANGE, extend, rootOf, tilePath, type Hash } from '#tlog';
import { LogTree } from './log-tree.js';

const leafOf = (n: number): Hash => createHash('sha256').update(String(n)).digest();

/** The tiles of a log of `size` leaves, by level, and the root, made entry by entry. */
function honestLog(size: number): { tile: (level: number, index: number) => Buffer; root: Hash } {
  const levels: Hash[][] = [];
  let range = EMPTY_RANGE;
  for (let i = 0; i < size; i += 1)
    range = extend(range, leafOf(i), (level, _, hash) => void (level % 8 === 0 && (levels[level / 8] ??= []).push(hash)));
  const tile = (level: number, index: number): Buffer =>
    Buffer.concat((levels[level] ?? []).slice(index * 256, index * 256 + 256));
  return { tile, root: rootOf(range) };
}

async function replay(size: number, altered?: string): Promise<{ root: Hash; paths: string[] }> {
  const log = honestLog(size);
  const paths: string[] = [];
  const tree = new LogTree((path) => {
    paths.push(path);
    const [, level = '', groups = ''] = /^tile\/(\d+)\/(\d{3})/.exec(path) ?? [];
    const bytes = log.tile(Number(level), Number(groups));
    if (path === altered) bytes[33] = (bytes[33] ?? 0) ^ 1;
    return Promise.resolve(bytes);
  });
  for (let i = 0; i * 256 < size; i += 1) await tree.add(log.tile(0, i));
  return { root: await tree.finish(), paths };
}

describe('the tree of a log, derived from its tiles of level 0', () => {
  it.each([0, 1, 2, 3, 255, 256, 257, 511, 512, 640, 65_536, 65_537, 70_000])('has the root of %i leaves', async (size) => {
    expect(Buffer.from((await replay(size)).root).equals(honestLog(size).root)).toBe(true);
  });

  it('compares every tile above level 0 once, as wide as C2SP tlog-tiles says', async () => {
    expect((await replay(70_000)).paths).toEqual(['tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect((await replay(256)).paths).toEqual([tilePath(1, 0n, 1)]);
    expect((await replay(255)).paths).toEqual([]);
  });

  it('names the tile that differs and the entries it is about', async () => {
    await expect(replay(70_000, 'tile/1/001.p/17')).rejects.toMatchObject({
      ...{ check: 'tiles', where: 'tile/1/001.p/17' },
      message: expect.stringContaining('hash 1 is not the root of tile/0/257') as unknown,
    });
    await expect(replay(70_000, 'tile/1/000')).rejects.toMatchObject({
      message: expect.stringContaining('about the entries 256 to 511') as unknown,
    });
  });
});
