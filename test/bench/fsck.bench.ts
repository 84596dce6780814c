import { readApart, type ReadApart } from './apart.js';
import type { Bench } from './figure.js';

/** fsck of the rows of the whole log. The reference for memory is a log of a tenth of the size. */
export async function fsckBench({ entries, logs, report, say }: Bench): Promise<void> {
  const of = async (size: number): Promise<ReadApart> => {
    const { config, verifier } = await logs.holding(size);
    return readApart({ by: 'fsck', from: config.DATABASE_URL ?? '', logKey: verifier.vkey });
  };
  const small = await of(Math.ceil(entries / 10));
  const large = await of(entries);
  say(`fsck of ${large.entries} entries in ${Math.round(large.elapsedMs)} ms`);
  report({ name: 'custody.fsck', value: (large.entries / large.elapsedMs) * 1000, unit: 'entries/s' });
  report({ name: 'custody.fsck-memory', value: large.peakMiB, unit: 'MiB', reference: small.peakMiB });
}
