import { createHash, randomBytes } from 'node:crypto';
import { EMPTY_RANGE, extend, inclusionProof, leafHash, nodesFromTiles, rootOf, verifyInclusion, type Hash } from '#tlog';
import type { Bench } from './figure.js';

/** About what an entry header has. */
const LEAF_BYTES = 400;
const LEAVES = 20_000;

/** The arithmetic alone, on one core, without database. References are the bare SHA-256 that it cannot do without. */
export async function tlogBench({ seconds, report }: Pick<Bench, 'seconds' | 'report'>): Promise<void> {
  const data = Array.from({ length: LEAVES }, () => randomBytes(LEAF_BYTES));
  const hashing = perSecond(seconds, LEAVES, () => {
    for (const bytes of data) createHash('sha256').update(bytes).digest();
  });
  const appending = perSecond(seconds, LEAVES, () => {
    let range = EMPTY_RANGE;
    for (const bytes of data) range = extend(range, leafHash(bytes));
  });
  report({ name: 'tlog.append', value: appending, unit: 'leaves/s', reference: hashing });
  await proofs({ seconds, report }, data);
}

async function proofs({ seconds, report }: Pick<Bench, 'seconds' | 'report'>, data: readonly Buffer[]): Promise<void> {
  const levels: Hash[][] = [];
  let range = EMPTY_RANGE;
  for (const bytes of data) range = extend(range, leafHash(bytes), (level, _, hash) => (levels[level] ??= []).push(hash));
  const readTile = (level: number, index: bigint, width: number): Uint8Array => {
    const start = Number(index) * 256;
    return Buffer.concat((levels[level * 8] ?? []).slice(start, start + width));
  };
  const root = rootOf(range);
  const index = BigInt(LEAVES / 2 - 1);
  const proof = await inclusionProof(index, range.size, nodesFromTiles(range.size, readTile));
  const leaf = leafHash(data[Number(index)] ?? Buffer.alloc(0));
  const verifying = perSecond(seconds, 1000, () => {
    for (let n = 0; n < 1000; n++) verifyInclusion({ index, size: range.size, leaf, proof, root });
  });
  const block = randomBytes(65);
  const bare = perSecond(seconds, 1000, () => {
    for (let n = 0; n < 1000 * proof.length; n++) createHash('sha256').update(block).digest();
  });
  report({ name: 'tlog.verify-inclusion', value: verifying, unit: 'proofs/s', reference: bare });
}

/** The best of several rounds within the time: what disturbs a round only ever makes it slower. */
function perSecond(seconds: number, things: number, round: () => void): number {
  round();
  const end = performance.now() + seconds * 1000;
  let best = Infinity;
  do {
    const begun = performance.now();
    round();
    best = Math.min(best, performance.now() - begun);
  } while (performance.now() < end);
  return (things / best) * 1000;
}
