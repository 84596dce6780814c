import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  EMPTY_RANGE,
  EMPTY_ROOT,
  consistencyProof,
  extend,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type ReadNode,
} from './merkle.js';
import { refused } from './testing/refused.js';
import type { TlogErrorCode } from './tlog-error.js';

/** RFC 6962 §2.1 word for word, on the data itself: slow, and obviously right. */
const reference = {
  sha: (...parts: Uint8Array[]): Hash => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest()),
  k: (n: number): number => 2 ** Math.floor(Math.log2(n - 1)),
  root(d: readonly Uint8Array[]): Hash {
    if (d.length === 0) return this.sha();
    if (d.length === 1) return this.sha(Uint8Array.of(0), d[0]!);
    const k = this.k(d.length);
    return this.sha(Uint8Array.of(1), this.root(d.slice(0, k)), this.root(d.slice(k)));
  },
  path(m: number, d: readonly Uint8Array[]): Hash[] {
    if (d.length === 1) return [];
    const k = this.k(d.length);
    return m < k
      ? [...this.path(m, d.slice(0, k)), this.root(d.slice(k))]
      : [...this.path(m - k, d.slice(k)), this.root(d.slice(0, k))];
  },
  subproof(m: number, d: readonly Uint8Array[], whole: boolean): Hash[] {
    if (m === d.length) return whole ? [] : [this.root(d)];
    const k = this.k(d.length);
    return m <= k
      ? [...this.subproof(m, d.slice(0, k), whole), this.root(d.slice(k))]
      : [...this.subproof(m - k, d.slice(k), false), this.root(d.slice(0, k))];
  },
};

function grow(data: readonly Uint8Array[]): { root: Hash; roots: Hash[]; readNode: ReadNode } {
  const nodes = new Map<string, Hash>();
  let range = EMPTY_RANGE;
  const roots = [rootOf(range)];
  for (const item of data) {
    range = extend(range, leafHash(item), (level, index, hash) => {
      expect(nodes.has(`${level}/${index}`)).toBe(false);
      nodes.set(`${level}/${index}`, hash);
    });
    roots.push(rootOf(range));
  }
  const readNode: ReadNode = (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (!hash) throw new Error(`asked for the incomplete node ${level}/${index}`);
    return hash;
  };
  return { root: rootOf(range), roots, readNode };
}

const data = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 });
const dataAndIndex = data.chain((d) => fc.tuple(fc.constant(d), fc.nat(d.length - 1)));
const hexOf = (hash: Hash): string => Buffer.from(hash).toString('hex');
const flip = (hash: Hash, bit: number): Hash => hash.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
const bit = fc.nat(255);

describe('the Merkle tree', () => {
  // The leaves and roots of the certificate-transparency project's own tests.
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it('has the roots known from certificate transparency', () => {
    const grown = grow(leaves.map((leaf) => new Uint8Array(Buffer.from(leaf, 'hex'))));
    expect(grown.roots.map(hexOf)).toEqual(roots);
    expect(hexOf(EMPTY_ROOT)).toBe(roots[0]);
  });

  it('has the roots of RFC 6962 at every size', () => {
    fc.assert(
      fc.property(data, (d) => {
        grow(d).roots.forEach((root, size) => expect(hexOf(root)).toBe(hexOf(reference.root(d.slice(0, size)))));
      }),
      { numRuns: 30 },
    );
  });

  it('proves inclusion as RFC 6962 does, and the proof verifies', async () => {
    await fc.assert(
      fc.asyncProperty(dataAndIndex, async ([d, i]) => {
        const { root, readNode } = grow(d);
        const proof = await inclusionProof(BigInt(i), BigInt(d.length), readNode);
        expect(proof.map(hexOf)).toEqual(reference.path(i, d).map(hexOf));
        verifyInclusion({ index: BigInt(i), size: BigInt(d.length), leaf: leafHash(d[i]!), proof, root });
      }),
    );
  });

  it('refuses every inclusion proof with a changed leaf, root, element, length, index or size', async () => {
    await fc.assert(
      fc.asyncProperty(dataAndIndex, bit, fc.nat(), async ([d, i], b, n) => {
        const { root, readNode } = grow(d);
        const [index, size, leaf] = [BigInt(i), BigInt(d.length), leafHash(d[i]!)];
        const proof = await inclusionProof(index, size, readNode);
        const good = { index, size, leaf, proof, root };
        const fails = (change: Partial<typeof good>, code: TlogErrorCode = 'proof-invalid'): void => {
          expect(() => verifyInclusion({ ...good, ...change })).toThrow(refused(code));
        };
        fails({ leaf: flip(leaf, b) });
        fails({ root: flip(root, b) });
        fails({ proof: [...proof, flip(root, b)] });
        fails({ index: size });
        fails({ index: -1n });
        fails({ leaf: leaf.slice(1) }, 'hash-malformed');
        fails({ root: root.slice(1) }, 'hash-malformed');
        if (proof.length > 0) {
          const at = n % proof.length;
          fails({ proof: proof.map((hash, j) => (j === at ? flip(hash, b) : hash)) });
          fails({ proof: proof.filter((_, j) => j !== at) });
        }
        const elsewhere = n % d.length;
        // Equal leaves in mirrored places have the same proof, rightly.
        if (hexOf(d[elsewhere]!) !== hexOf(d[i]!)) fails({ index: BigInt(elsewhere) });
      }),
    );
  });

  it('notices a leaf that was dropped or moved', async () => {
    const distinct = fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 4 }), {
      minLength: 2,
      maxLength: 40,
      selector: (bytes) => hexOf(bytes),
    });
    await fc.assert(
      fc.asyncProperty(distinct, fc.nat(), fc.nat(), async (d, a, b) => {
        const { root } = grow(d);
        const [i, j] = [a % d.length, b % d.length];
        const dropped = d.filter((_, k) => k !== i);
        expect(hexOf(grow(dropped).root)).not.toBe(hexOf(root));
        if (i === j) return;
        const moved = d.map((item, k) => (k === i ? d[j]! : k === j ? d[i]! : item));
        const other = grow(moved);
        expect(hexOf(other.root)).not.toBe(hexOf(root));
        const proof = await inclusionProof(BigInt(i), BigInt(d.length), other.readNode);
        const leaf = leafHash(d[i]!);
        expect(() => verifyInclusion({ index: BigInt(i), size: BigInt(d.length), leaf, proof, root })).toThrow();
      }),
      { numRuns: 60 },
    );
  });

  it('proves every prefix consistent with every extension, as RFC 6962 does', async () => {
    const d = Array.from({ length: 33 }, (_, i) => Uint8Array.of(i));
    const { roots, readNode } = grow(d);
    for (let n = 0; n <= d.length; n += 1) {
      for (let m = 0; m <= n; m += 1) {
        const proof = await consistencyProof(BigInt(m), BigInt(n), readNode);
        if (m > 0) expect(proof.map(hexOf)).toEqual(reference.subproof(m, d.slice(0, n), true).map(hexOf));
        verifyConsistency({ oldSize: BigInt(m), newSize: BigInt(n), oldRoot: roots[m]!, newRoot: roots[n]!, proof });
      }
    }
  });

  it('refuses every consistency proof with a changed root, element or length, or of a rewritten history', async () => {
    await fc.assert(
      fc.asyncProperty(dataAndIndex, bit, fc.nat(), async ([d, m], b, n) => {
        const { roots, root, readNode } = grow(d);
        const [oldSize, newSize] = [BigInt(m), BigInt(d.length)];
        const proof = await consistencyProof(oldSize, newSize, readNode);
        const good = { oldSize, newSize, oldRoot: roots[m]!, newRoot: root, proof };
        verifyConsistency(good);
        const fails = (change: Partial<typeof good>): void => {
          expect(() => verifyConsistency({ ...good, ...change })).toThrow(refused('proof-invalid'));
        };
        fails({ oldRoot: flip(good.oldRoot, b) });
        fails({ proof: [...proof, flip(root, b)] });
        fails({ newSize: oldSize - 1n });
        if (m === 0) return;
        fails({ newRoot: flip(root, b) });
        const at = n % proof.length;
        fails({ proof: proof.map((hash, j) => (j === at ? flip(hash, b) : hash)) });
        fails({ proof: proof.filter((_, j) => j !== at) });
        const rewritten = grow(d.map((item, j) => (j === n % m ? Uint8Array.of(...item, 1) : item)));
        fails({ newRoot: rewritten.root, proof: await consistencyProof(oldSize, newSize, rewritten.readNode) });
      }),
    );
  });

  it('refuses two roots for one size, and a root of nothing that is not SHA-256 of nothing', async () => {
    const [a, b] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    const { root, roots, readNode } = grow([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
    const invalid = refused('proof-invalid');
    const verify = (oldSize: bigint, newSize: bigint, oldRoot: Hash, newRoot: Hash, proof: readonly Hash[] = []) => {
      return () => verifyConsistency({ oldSize, newSize, oldRoot, newRoot, proof });
    };
    expect(verify(0n, 0n, EMPTY_ROOT, EMPTY_ROOT)).not.toThrow();
    expect(verify(0n, 3n, EMPTY_ROOT, root)).not.toThrow();
    expect(verify(1n, 1n, a, b)).toThrow(invalid);
    expect(verify(0n, 0n, b, b)).toThrow(invalid);
    expect(verify(0n, 0n, EMPTY_ROOT, b)).toThrow(invalid);
    expect(verify(0n, 0n, b, EMPTY_ROOT)).toThrow(invalid);
    expect(verify(0n, 3n, b, root)).toThrow(invalid);
    expect(verify(0n, 3n, EMPTY_ROOT, root, [a])).toThrow(invalid);
    expect(verify(3n, 3n, root, root, [a])).toThrow(invalid);
    expect(verify(-1n, 3n, EMPTY_ROOT, root)).toThrow('The log shrank from -1 to 3.');
    expect(verify(-1n, 0n, EMPTY_ROOT, EMPTY_ROOT)).toThrow(invalid);
    expect(verify(3n, 2n, root, root)).toThrow(invalid);
    expect(verify(1n, 3n, roots[1]!, root)).toThrow('too short');
    expect(verify(3n, 4n, root, root)).toThrow(invalid);
    expect(verify(3n, 4n, root, root)).toThrow('too short');
    const proof = await consistencyProof(2n, 3n, readNode);
    expect(verify(2n, 3n, roots[2]!, root, proof)).not.toThrow();
    expect(verify(2n, 3n, roots[2]!, root, [...proof, a])).toThrow('too long');
    expect(verify(2n, 3n, roots[2]!, b, proof)).toThrow('another new root');
    const other = await consistencyProof(3n, 4n, grow(Array.from({ length: 4 }, (_, i) => Uint8Array.of(i))).readNode);
    expect(verify(3n, 4n, root, b, other)).toThrow('another old root');
    for (const short of [new Uint8Array(31), new Uint8Array(33), new Uint8Array()]) {
      expect(verify(0n, 3n, short, root)).toThrow(refused('hash-malformed'));
      expect(verify(0n, 3n, EMPTY_ROOT, short)).toThrow(refused('hash-malformed'));
      expect(verify(2n, 3n, roots[2]!, root, [short])).toThrow(refused('hash-malformed'));
    }
  });

  it('refuses hashes of another length, and ranges that are none', () => {
    const a = leafHash(Uint8Array.of(1));
    expect(() => extend(EMPTY_RANGE, Uint8Array.of(1))).toThrow(refused('hash-malformed'));
    expect(() => nodeHash(a, new Uint8Array(31))).toThrow(refused('hash-malformed'));
    expect(() => nodeHash(new Uint8Array(33), a)).toThrow(refused('hash-malformed'));
    for (const range of [
      { size: 3n, nodes: [a] },
      { size: 1n, nodes: [] },
      { size: 0n, nodes: [a] },
      { size: 4n, nodes: [a, a] },
      { size: -1n, nodes: [a] },
      { size: -1n, nodes: [a, a] },
    ]) {
      expect(() => rootOf(range)).toThrow(refused('out-of-range'));
      expect(() => extend(range, a)).toThrow(refused('out-of-range'));
    }
    expect(rootOf({ size: 1n, nodes: [a] })).toEqual(a);
    const two = extend(extend(EMPTY_RANGE, a), a);
    expect(two).toEqual({ size: 2n, nodes: [nodeHash(a, a)] });
  });

  it('does not take an inner node for a leaf, nor a proof that goes on above the root', () => {
    const [a, b, c, d] = [1, 2, 3, 4].map((i) => leafHash(Uint8Array.of(i))) as [Hash, Hash, Hash, Hash];
    const [left, right] = [nodeHash(a, b), nodeHash(c, d)];
    const root = nodeHash(left, right);
    const verify = (index: bigint, size: bigint, leaf: Hash, ...proof: Hash[]) => {
      return () => verifyInclusion({ index, size, leaf, proof, root });
    };
    expect(verify(2n, 4n, c, d, left)).not.toThrow();
    expect(verify(0n, 2n, left, right)).not.toThrow();
    expect(verify(0n, 4n, left, right)).toThrow('too short');
    expect(verify(0n, 4n, root)).toThrow('too short');
    expect(verify(0n, 1n, right, left)).toThrow('too long');
    expect(verify(1n, 2n, d, c, left)).toThrow('too long');
    expect(verify(2n, 4n, c, d, right)).toThrow('another root');
  });

  it('refuses to prove what is not in the tree, or over nodes that are no hashes', async () => {
    const { readNode } = grow([Uint8Array.of(1)]);
    const outside = refused('out-of-range');
    await expect(inclusionProof(1n, 1n, readNode)).rejects.toThrow(outside);
    await expect(inclusionProof(-1n, 1n, readNode)).rejects.toThrow(outside);
    await expect(inclusionProof(0n, 0n, readNode)).rejects.toThrow(outside);
    await expect(consistencyProof(2n, 1n, readNode)).rejects.toThrow(outside);
    await expect(consistencyProof(-1n, 1n, readNode)).rejects.toThrow(outside);
    expect(await consistencyProof(0n, 1n, readNode)).toEqual([]);
    await expect(inclusionProof(0n, 2n, () => new Uint8Array(31))).rejects.toThrow(refused('hash-malformed'));
  });

  it('counts beyond 2^53, where numbers would not', () => {
    const huge = { size: 1n << 60n, nodes: [leafHash(Uint8Array.of(1))] };
    const visited: bigint[] = [];
    const next = extend(huge, leafHash(Uint8Array.of(2)), (_, index) => visited.push(index));
    expect(next.size).toBe((1n << 60n) + 1n);
    expect(visited).toEqual([1n << 60n]);
    verifyInclusion({
      index: 1n << 60n,
      size: next.size,
      leaf: leafHash(Uint8Array.of(2)),
      proof: huge.nodes,
      root: rootOf(next),
    });
  });
});
