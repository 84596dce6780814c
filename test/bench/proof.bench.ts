import { join } from 'node:path';
import { openCheckpoint, parseProof, verifyInclusion } from '#tlog';
import { HttpClient } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import type { BenchLog } from './bench-log.js';
import type { Bench } from './figure.js';

const PROOFS = 1000;

/**
 * Inclusion proofs of entries all over the log over HTTP, from the product's API, one after the other; the median. The reference is the newest
 * checkpoint from the same server: what any answer with one look into the database takes.
 */
export async function proofBench({ entries, logs, report, say }: Bench): Promise<void> {
  const log = await logs.holding(entries);
  const { env } = log.environment;
  const url = `http://127.0.0.1:${env['PORT'] ?? ''}`;
  const api = new ProductProcess('api', url, env, join(env['WORK_DIR'] ?? '', 'api.log'));
  try {
    api.start();
    await api.ready();
    const client = new HttpClient(url);
    const indexes = Array.from({ length: PROOFS }, (_, i) => Math.floor((i * 0.618034 * entries) % entries));
    const proofs: string[] = [];
    const ask = async (path: string): Promise<string> => (await client.get(path)).expect(200).text;
    await timed(indexes, () => ask('/log/checkpoint'));
    const reference = await timed(indexes, () => ask('/log/checkpoint'));
    await timed(indexes.slice(0, PROOFS / 5), (index) => ask(`/log/proof?index=${index}`));
    const taken = await timed(indexes, async (index) => void proofs.push(await ask(`/log/proof?index=${index}`)));
    await verify(log, indexes, proofs);
    say(`${PROOFS} proofs, all of them true; 99 % within ${at(taken, 0.99).toFixed(1)} ms`);
    report({ name: 'custody.proof-http', value: at(taken, 0.5), unit: 'ms', reference: at(reference, 0.5) });
  } finally {
    await api.stop();
  }
}

/** Milliseconds of each, shortest first. */
async function timed(indexes: readonly number[], ask: (index: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (const index of indexes) {
    const begun = performance.now();
    await ask(index);
    taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b);
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? NaN;
}

async function verify({ observer, verifier }: BenchLog, indexes: readonly number[], proofs: readonly string[]): Promise<void> {
  const { rows } = await observer.query<{ index: string; leaf_hash: Buffer }>(
    'SELECT index, leaf_hash FROM custody_entries WHERE index = ANY($1)',
    [indexes],
  );
  const leafAt = new Map(rows.map(({ index, leaf_hash: leaf }) => [Number(index), leaf]));
  indexes.forEach((index, i) => {
    const { hashes, checkpoint, index: proven } = parseProof(proofs[i] ?? '');
    const { size, root } = openCheckpoint(checkpoint, [verifier]);
    if (proven !== BigInt(index)) throw new Error(`asked for entry ${index}, got the proof of ${proven}`);
    verifyInclusion({ index: proven, size, leaf: leafAt.get(index) ?? Buffer.alloc(32), proof: hashes, root });
  });
}
