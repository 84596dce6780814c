import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNoteKey } from '#tlog';
import { writeLogFolder } from '../support/log-folder.js';
import { readApart, type ReadApart } from './apart.js';
import type { Bench } from './figure.js';

const SUBJECTS = 1000;
/** About what an entry header has. */
const HEADER_BYTES = 400;

/**
 * `custodiet-verify log` over a log in a folder, every header, chain, tile and root. The reference is the bare SHA-256 that it cannot do
 * without: one of each header and one of each node; for memory a log of a tenth of the size.
 */
export async function verifyBench({ entries, report, say }: Bench): Promise<void> {
  const small = await verified(Math.ceil(entries / 10), say);
  const large = await verified(entries, say);
  const value = (large.entries / large.elapsedMs) * 1000;
  report({ name: 'custody.verify', value, unit: 'entries/s', reference: barePerSecond(large.entries) });
  report({ name: 'custody.verify-memory', value: large.peakMiB, unit: 'MiB', reference: small.peakMiB });
}

async function verified(entries: number, say: (line: string) => void): Promise<ReadApart> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-bench-'));
  const { skey, vkey } = generateNoteKey(`custodiet.bench/${randomBytes(4).toString('hex')}`);
  try {
    say(`a log of ${entries} entries about ${SUBJECTS} subjects in a folder`);
    await writeLogFolder(folder, { entries, subjects: SUBJECTS, skey });
    return await readApart({ by: 'verify', from: folder, logKey: vkey });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function barePerSecond(entries: number): number {
  const header = randomBytes(HEADER_BYTES);
  const node = randomBytes(65);
  const begun = performance.now();
  for (let i = 0; i < entries; i += 1) {
    createHash('sha256').update(header).digest();
    createHash('sha256').update(node).digest();
  }
  return (entries / (performance.now() - begun)) * 1000;
}
