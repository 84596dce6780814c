import fc from 'fast-check';
import { base64, utf8 } from './encodings.js';
import {
  headLeaf,
  headProof,
  headsDigest,
  headsMap,
  headsMapJson,
  headsRoot,
  readHeadsMap,
  verifyHead,
  type SubjectHead,
} from './heads.js';
import { EMPTY_ROOT, inclusionProof, leafHash, nodeHash, sha256, type Hash } from './merkle.js';
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
          const proof = headProof(map, position);
          expect(proof).toEqual(await inclusionProof(BigInt(position), BigInt(map.length), readNode));
          expect(() => verifyHead(map[position]!, BigInt(position), BigInt(map.length), proof, headsRoot(map))).not.toThrow();
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
        const [position, size, root] = [at % map.length, BigInt(map.length), headsRoot(map)];
        const [head, proof] = [map[position]!, headProof(map, position)];
        const fails = (change: Partial<SubjectHead>): void => {
          expect(() => verifyHead({ ...head, ...change }, BigInt(position), size, proof, root)).toThrow(refused);
        };
        fails({ seq: head.seq + 1 });
        fails({ index: `${BigInt(head.index) + 1n}` });
        fails({ subject: uuidOf('nobody') });
        fails({ head: base64(leafHash(Uint8Array.of(1, 2))) });
        const elsewhere = other % map.length;
        if (elsewhere !== position) {
          expect(() => verifyHead(head, BigInt(elsewhere), size, headProof(map, elsewhere), root)).toThrow(refused);
        }
        expect(() => verifyHead(head, size, size, proof, root)).toThrow(refused);
        for (const i of proof.keys()) {
          const changed = proof.map((hash, j) => (i === j ? leafHash(hash) : hash));
          expect(() => verifyHead(head, BigInt(position), size, changed, root)).toThrow(refused);
        }
        const smaller = map.filter((_, i) => i !== elsewhere);
        expect(headsRoot(smaller)).not.toEqual(root);
      }),
      { numRuns: 60 },
    );
  });

  it('is sorted strictly by subject', () => {
    fc.assert(
      fc.property(maps, fc.nat(), (map, at) => {
        const i = at % map.length;
        const doubled = [...map.slice(0, i), map[i]!, ...map.slice(i)];
        expect(() => headsRoot(doubled)).toThrow('not sorted');
        expect(() => headProof(doubled, 0)).toThrow('not sorted');
        if (map.length > 1) expect(() => headsRoot([...map].reverse())).toThrow('not sorted');
      }),
      { numRuns: 20 },
    );
  });

  it('has no proof of what is not in it, and no leaf that is not a head', () => {
    const map = [headOf(1)];
    for (const position of [-1, 1, 0.5, Number.NaN]) expect(() => headProof(map, position)).toThrow(refused);
    expect(headProof(map, 0)).toEqual([]);
    expect(headsRoot([])).toEqual(EMPTY_ROOT);
    for (const change of [
      { subject: 'X' },
      { seq: -1 },
      { seq: 0.5 },
      { index: '01' },
      { index: '-1' },
      { head: '' },
      { head: 'AAAA' },
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
    expect(() => readHeadsMap({})).toThrow(refused);
  });
});
