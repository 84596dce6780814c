import fc from 'fast-check';
import { canonicalize } from './canonical-json.js';
import { base64, utf8 } from './encodings.js';
import {
  headLeaf,
  headsDigest,
  headsMap,
  headsMapJson,
  headsTree,
  HeadsTree,
  readHeadsMap,
  verifyHead,
  type SubjectHead,
} from './heads.js';
import { EMPTY_RANGE, EMPTY_ROOT, extend, inclusionProof, leafHash, nodeHash, rootOf, sha256, type Hash } from './merkle.js';
import { uuidOf } from './sample-log.js';

const maps = fc
  .uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 40 })
  .map((names) => names.map(headOf).sort((a, b) => (a.subject < b.subject ? -1 : 1)));

function headOf(name: number): SubjectHead {
  return { subject: uuidOf(`${name}`), seq: name % 7, index: `${name}`, head: base64(leafHash(Uint8Array.of(name % 256))) };
}

const refused = expect.objectContaining({ name: 'TlogError' }) as Error;

describe('a heads map', () => {
  it('has the root and the proofs of RFC 6962', async () => {
    await fc.assert(
      fc.asyncProperty(maps, async (map) => {
        const leaves = map.map(headLeaf);
        const readNode = (level: number, index: bigint): Hash =>
          level === 0 ? leaves[Number(index)]! : nodeHash(readNode(level - 1, index * 2n), readNode(level - 1, index * 2n + 1n));
        for (const position of map.keys()) {
          const proof = headsTree(map).proof(position);
          expect(proof).toEqual(await inclusionProof(BigInt(position), BigInt(map.length), readNode));
          expect(() =>
            verifyHead(map[position]!, BigInt(position), BigInt(map.length), proof, headsTree(map).root),
          ).not.toThrow();
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is the one worked out in README.md', () => {
    const [first, second] = ['first', 'second'].map((text) => base64(sha256(utf8(text)))) as [string, string];
    const map = [
      { subject: '0190c000-0000-7000-8000-000000000001', seq: 2, index: '7', head: first },
      { subject: '0190c000-0000-7000-8000-000000000002', seq: 0, index: '3', head: second },
    ];
    expect(map.map((head) => base64(headLeaf(head)))).toEqual([
      '414Y4SU/hYujGYhTbSI8BfxE69F+qZ2HKIXHbODIniI=',
      'mB7irAfkl1WhFfdV7bOrrApcGoLSbdiGPAr33wHOfgY=',
    ]);
    expect(headsDigest(headsMap(8n, map))).toBe('bfc36a1c9503b5c4ae62411e90337d4572e4d249594cc3791d99e4ad0eff0e60');
  });

  it('proves no other head, at no other place, in no other map', () => {
    fc.assert(
      fc.property(maps, fc.nat(), fc.nat(), (map, at, other) => {
        const [position, size, root] = [at % map.length, BigInt(map.length), headsTree(map).root];
        const [head, proof] = [map[position]!, headsTree(map).proof(position)];
        const fails = (change: Partial<SubjectHead>): void => {
          expect(() => verifyHead({ ...head, ...change }, BigInt(position), size, proof, root)).toThrow(refused);
        };
        fails({ seq: head.seq + 1 });
        fails({ index: `${BigInt(head.index) + 1n}` });
        fails({ subject: uuidOf('nobody') });
        fails({ head: base64(leafHash(Uint8Array.of(1, 2))) });
        const elsewhere = other % map.length;
        if (elsewhere !== position) {
          expect(() => verifyHead(head, BigInt(elsewhere), size, headsTree(map).proof(elsewhere), root)).toThrow(refused);
        }
        expect(() => verifyHead(head, size, size, proof, root)).toThrow(refused);
        for (const i of proof.keys()) {
          const changed = proof.map((hash, j) => (i === j ? leafHash(hash) : hash));
          expect(() => verifyHead(head, BigInt(position), size, changed, root)).toThrow(refused);
        }
        const smaller = map.filter((_, i) => i !== elsewhere);
        expect(headsTree(smaller).root).not.toEqual(root);
      }),
      { numRuns: 60 },
    );
  });

  it('has the canonical JSON of a head as its leaf', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.nat(),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (...of) => {
          const [subject, seq, index, hash] = of;
          const head = { subject, seq, index: index.toString(), head: base64(hash) };
          expect(headLeaf(head)).toEqual(leafHash(utf8(canonicalize(head))));
        },
      ),
    );
  });

  it('may be asked while it is made, a head after the other', () => {
    const map = Array.from({ length: 200 }, (_, i) => headOf(i)).sort((a, b) => (a.subject < b.subject ? -1 : 1));
    const tree = new HeadsTree();
    let range = EMPTY_RANGE;
    expect(tree.root).toEqual(EMPTY_ROOT);
    for (const [i, head] of map.entries()) {
      tree.add(head);
      range = extend(range, headLeaf(head));
      expect(tree.root).toEqual(rootOf(range));
      for (const position of [0, i >> 1, i]) {
        const proof = tree.proof(position);
        expect(() => verifyHead(map[position]!, BigInt(position), range.size, proof, tree.root)).not.toThrow();
      }
    }
    const { root } = tree;
    for (const refusable of [map[199]!, { ...headOf(1), subject: 'z' }]) expect(() => tree.add(refusable)).toThrow(refused);
    expect(tree.root).toEqual(root);
  });

  it('is sorted strictly by subject', () => {
    fc.assert(
      fc.property(maps, fc.nat(), (map, at) => {
        const i = at % map.length;
        const doubled = [...map.slice(0, i), map[i]!, ...map.slice(i)];
        expect(() => headsTree(doubled)).toThrow('not sorted');
        if (map.length > 1) expect(() => headsTree([...map].reverse())).toThrow('not sorted');
      }),
      { numRuns: 20 },
    );
  });

  it('has no proof of what is not in it, and no leaf that is not a head', () => {
    const map = [headOf(1)];
    for (const position of [-1, 1, 0.5, Number.NaN]) expect(() => headsTree(map).proof(position)).toThrow(refused);
    expect(headsTree(map).proof(0)).toEqual([]);
    expect(headsTree([]).root).toEqual(EMPTY_ROOT);
    for (const change of [
      { subject: 'X' },
      { subject: headOf(1).subject.toUpperCase() },
      { subject: `${headOf(1).subject}\n` },
      { seq: -1 },
      { seq: -0 },
      { seq: 0.5 },
      { seq: 2 ** 53 },
      { index: '01' },
      { index: '-1' },
      { head: '' },
      { head: 'AAAA' },
      { head: headOf(1).head.replace(/.=$/, (digit) => `${String.fromCharCode(digit.charCodeAt(0) + 1)}=`) },
    ]) {
      expect(() => headLeaf({ ...headOf(1), ...change })).toThrow(refused);
    }
  });

  it('is named in the log by its size, its number of subjects and its root', () => {
    const map = headsMap(8n, [headOf(7)]);
    expect(readHeadsMap(headsMapJson(map))).toEqual(map);
    expect(headsDigest(map)).toMatch(/^[0-9a-f]{64}$/);
    for (const other of [{ size: 9n }, { subjects: 2n }, { root: EMPTY_ROOT }]) {
      expect(headsDigest({ ...map, ...other })).not.toBe(headsDigest(map));
    }
    expect(() => headsMap(7n, [headOf(7)])).toThrow('not below 7');
    expect(headsMap(10n, [headOf(9)]).size).toBe(10n);
    for (const index of [10, 11, 100]) expect(() => headsMap(10n, [headOf(index)])).toThrow('not below 10');
    expect(() => headsMap(9n, [headOf(10)])).toThrow('not below 9');
    expect(() => readHeadsMap({})).toThrow(refused);
  });
});
