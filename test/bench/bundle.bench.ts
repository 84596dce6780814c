import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Custody, CustodyLog, type CustodyEvent } from '#custody';
import { Clock, Notifications, UnitOfWork } from '#platform';
import { bundleEntryLine, bundleManifest, bundleProofLine, verifyBundle } from '#tlog';
import { BY, eventOf, type BenchLog } from './bench-log.js';
import type { Bench } from './figure.js';

const EVENTS = 1000;
const SHA256 = 'ab'.repeat(32);
/** About what is hashed of an entry beside its proof: the header, and the payload with its salt. */
const HASHED_BYTES = [400, 450];

const SEALED: CustodyEvent = {
  type: 'recording.sealed',
  size: 9,
  bucket: 'evidence',
  key: 'recording',
  versionId: 'version',
  retainUntil: '2031-11-20T00:00:00.000Z',
  method: 'read-back',
  parent: null,
  sha256: SHA256,
};

/**
 * An evidence bundle of a recording with 1,000 events, of a log that holds many more, verified; the median. The reference is the bare SHA-256 that
 * it cannot do without: of each header, of each payload, and of the nodes of each proof.
 */
export async function bundleBench({ seconds, entries, logs, report }: Bench): Promise<void> {
  const log = await logs.holding(entries);
  const { files, nodes } = await bundleFrom(log);
  const value = median(seconds, () => {
    const { ok, checks, entries: verified } = verifyBundle(files, { logKey: log.verifier });
    if (!ok || verified !== EVENTS) throw new Error(`The bundle does not verify: ${JSON.stringify(checks.find((c) => !c.ok))}`);
  });
  const node = randomBytes(65);
  const parts = HASHED_BYTES.map((bytes) => randomBytes(bytes));
  const reference = median(seconds / 4, () => {
    for (let i = 0; i < EVENTS; i += 1) for (const part of parts) createHash('sha256').update(part).digest();
    for (let i = 0; i < nodes; i += 1) createHash('sha256').update(node).digest();
  });
  report({ name: 'custody.bundle-1k', value, unit: 'ms', reference });
}

/** As the product exports one: the last event is the export itself, and says what the bundle holds. */
async function bundleFrom(log: BenchLog): Promise<{ files: Map<string, Uint8Array>; nodes: number }> {
  const source = new DataSource({ type: 'postgres', url: log.config.DATABASE_URL });
  const notifications = new Notifications(log.config);
  try {
    await source.initialize();
    log.sequence();
    const unitOfWork = new UnitOfWork(source);
    const custody = new Custody(new Clock());
    const reader = new CustodyLog(unitOfWork, notifications, undefined);
    const recording = randomUUID();
    const append = async (events: readonly CustodyEvent[]): Promise<bigint> => {
      const ids = await unitOfWork.run(async (tx) => {
        const written: string[] = [];
        for (const event of events) written.push(await custody.append(tx, recording, event, BY));
        return written;
      });
      return (await reader.sequenced(ids.at(-1) ?? '')).index;
    };
    await append([SEALED, ...Array.from({ length: EVENTS - 2 }, (_, n) => eventOf(n))]);
    const bundleJson = bundleManifest({
      log: log.verifier.name,
      logKey: log.verifier.vkey,
      recording,
      subjects: [recording],
      heads: new Map(),
      createdAt: new Date().toISOString(),
      files: new Map(),
    });
    const sha256 = createHash('sha256').update(bundleJson).digest('hex');
    const exported = await append([{ type: 'evidence-bundle.exported', sha256 }]);
    const checkpoint = await reader.checkpointCovering(exported);
    const chain = await reader.chain(recording);
    const proofs = await reader.inclusionProofs(
      chain.map(({ index }) => index),
      checkpoint.size,
    );
    const entryLines = chain.map((entry) => bundleEntryLine({ ...entry, header: Buffer.from(entry.header) }));
    const proofLines = chain.map(({ index }, i) => bundleProofLine({ index, hashes: proofs[i] ?? [] }));
    const files = new Map<string, Uint8Array>([
      ['bundle.json', Buffer.from(bundleJson)],
      ['entries.jsonl', Buffer.from(entryLines.join(''))],
      ['proofs.jsonl', Buffer.from(proofLines.join(''))],
      ['checkpoint', Buffer.from(checkpoint.note)],
    ]);
    return { files, nodes: proofs.reduce((sum, proof) => sum + proof.length, 0) };
  } finally {
    await log.stopSequencing();
    await notifications.onApplicationShutdown();
    if (source.isInitialized) await source.destroy();
  }
}

/** Milliseconds of the middle one of at least five rounds. */
function median(seconds: number, round: () => void): number {
  const end = performance.now() + seconds * 1000;
  const taken: number[] = [];
  while (taken.length < 5 || performance.now() < end) {
    const begun = performance.now();
    round();
    taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b)[Math.floor(taken.length / 2)] ?? NaN;
}
