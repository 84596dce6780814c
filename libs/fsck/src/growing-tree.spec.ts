import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { EMPTY_RANGE, extend, leafHash as specifiedLeaf, payloadCommitment, rootOf, type CompactRange } from '#tlog';
import { commitment, leafHash, sha256Hex } from './digests.js';
import { GrowingTree } from './growing-tree.js';

const leafOf = (i: number): Buffer => createHash('sha256').update(String(i)).digest();

describe('a growing tree', () => {
  it('has the peaks and the root of the specified tree at every size', () => {
    const tree = new GrowingTree();
    let range: CompactRange = EMPTY_RANGE;
    for (let i = 0; i < 1100; i++) {
      expect(tree.size).toBe(BigInt(i));
      expect(Buffer.compare(tree.root(), rootOf(range))).toBe(0);
      expect(Buffer.compare(Buffer.concat(tree.peaks), Buffer.concat(range.nodes))).toBe(0);
      tree.add(leafOf(i));
      range = extend(range, leafOf(i));
    }
  });

  it('gives every full tile once, and the others as far as they are', () => {
    const tree = new GrowingTree();
    const given = new Map<string, Buffer>();
    const expected = new Map<string, Buffer[]>();
    let range: CompactRange = EMPTY_RANGE;
    const size = 256 * 256 + 300;
    for (let i = 0; i < size; i++) {
      tree.add(leafOf(i));
      range = extend(range, leafOf(i), (level, index, hash) => {
        if (level % 8 !== 0) return;
        const key = `${level / 8}/${index >> 8n}`;
        expected.set(key, [...(i % 256 === 0 && level === 0 ? [] : (expected.get(key) ?? [])), Buffer.from(hash)]);
      });
      if (i % 1000 !== 0) continue;
      for (const { level, index, hashes } of tree.takeFull()) given.set(`${level}/${index}`, hashes);
    }
    const full =
      given.size + tree.takeFull().reduce((n, { level, index, hashes }) => (given.set(`${level}/${index}`, hashes), n + 1), 0);
    expect(full).toBe(257 + 1);
    for (const { level, index, hashes } of tree.partial()) given.set(`${level}/${index}`, hashes);
    expect([...given.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, hashes] of expected) expect(given.get(key)?.equals(Buffer.concat(hashes))).toBe(true);
    expect(range.size).toBe(tree.size);
  });
});

describe('the digests', () => {
  const bytes = (length?: number): fc.Arbitrary<Buffer> =>
    fc
      .uint8Array(length === undefined ? { maxLength: 10_000 } : { minLength: length, maxLength: length })
      .map((array) => Buffer.from(array));

  it('are those of the specification, wherever the bytes lie', () => {
    fc.assert(
      fc.property(bytes(), bytes(32), fc.string({ unit: 'grapheme' }), (before, salt, text) => {
        const payload = JSON.stringify(text.toWellFormed());
        const data = Buffer.concat([before, salt, before, Buffer.from(payload)]);
        const at = before.length + 32 + before.length;
        expect(leafHash(data, 0, before.length).equals(specifiedLeaf(before))).toBe(true);
        expect(commitment(data, before.length, at, data.length)).toBe(
          Buffer.from(payloadCommitment(salt, payload)).toString('base64'),
        );
        expect(sha256Hex(data)).toBe(createHash('sha256').update(data).digest('hex'));
      }),
    );
  });
});
