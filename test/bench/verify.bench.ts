import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNoteKey, parseVerifier } from '#tlog';
import { replayLog } from '../../apps/verifier/src/log-replay.js';
import { logSource } from '../../apps/verifier/src/log-source.js';
import { writeLogFolder } from '../support/log-folder.js';
import type { Bench } from './figure.js';

const ENTRIES = 100_000;
const SUBJECTS = 1000;
/** About what an entry header has. */
const HEADER_BYTES = 400;

/**
 * `custodiet-verify log` over a log in a folder, every header, chain, tile and root. The reference is the bare SHA-256 that it cannot do
 * without: one of each header and one of each node.
 */
export async function verifyBench({ seconds, report, say }: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-bench-'));
  const { skey, vkey } = generateNoteKey(`custodiet.bench/${randomBytes(4).toString('hex')}`);
  const trust = { logKey: parseVerifier(vkey) };
  try {
    say(`a log of ${ENTRIES} entries about ${SUBJECTS} subjects`);
    await writeLogFolder(folder, { entries: ENTRIES, subjects: SUBJECTS, skey });
    const reference = await best(seconds / 4, () => {
      const header = randomBytes(HEADER_BYTES);
      const node = randomBytes(65);
      for (let i = 0; i < ENTRIES; i += 1) {
        createHash('sha256').update(header).digest();
        createHash('sha256').update(node).digest();
      }
    });
    const value = await best(seconds, async () => {
      const { ok, checks } = await replayLog(logSource(folder), trust);
      if (!ok) throw new Error(`The log does not verify: ${JSON.stringify(checks.at(-1))}`);
    });
    report({ name: 'custody.verify', value, unit: 'entries/s', reference });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Entries a second in the best of several rounds within the time: what disturbs a round only ever makes it slower. */
async function best(seconds: number, round: () => Promise<void> | void): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let shortest = Infinity;
  do {
    const begun = performance.now();
    await round();
    shortest = Math.min(shortest, performance.now() - begun);
  } while (performance.now() < end);
  return (ENTRIES / shortest) * 1000;
}
