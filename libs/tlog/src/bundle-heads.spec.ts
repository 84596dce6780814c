import fc from 'fast-check';
import { bundleHeads } from './bundle-heads.js';
import { verifyBundle, type BundleVerdict } from './bundle.js';
import { fromUtf8, utf8 } from './encodings.js';
import { CASE, RECORDING, SampleLog, sampleBundle, uuidOf } from './sample-log.js';

type Files = Map<string, Uint8Array>;

function faults(verdict: BundleVerdict): string[] {
  return verdict.checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);
}

function edited(files: Files, edit: (lines: string[]) => string[]): Files {
  const lines = fromUtf8(files.get('heads.jsonl')!).slice(0, -1).split('\n');
  return new Map([...files, ['heads.jsonl', utf8(`${edit(lines).join('\n')}\n`)]]);
}

const { log, files } = await sampleBundle({ heads: (to) => to.logHeads() });

describe('a bundle with heads', () => {
  it('verifies, and says up to where it is complete', () => {
    const verdict = verifyBundle(files, { logKey: log.logKey });
    expect(faults(verdict)).toEqual([]);
    expect(verdict.complete).toEqual({ size: 7n, at: '2026-11-20T10:30:00.000Z' });
    expect(verdict.checks.find(({ name }) => name === 'heads')?.detail).toBe(
      "By the log's own map of 2026-11-20T10:30:00.000Z no entry was left out among its first 7.",
    );
  });

  it('verifies when the log went on between the heads and the export', async () => {
    const later = await sampleBundle({
      heads: (to) => {
        const logged = to.logHeads();
        to.append(CASE, 'case.closed');
        return logged;
      },
    });
    expect(faults(verifyBundle(later.files))).toEqual([]);
  });

  it('fails when the log knows a later head than the bundle has', async () => {
    const hiding = await sampleBundle({
      heads: (to) => {
        const heads = to.sortedHeads();
        const of = heads.find(({ subject }) => subject === CASE)!;
        return to.logHeads(heads.map((head) => (head === of ? { ...head, seq: 2, index: '6' } : head)));
      },
    });
    expect(faults(verifyBundle(hiding.files))).toEqual([
      `heads | heads.jsonl line 3 | The log's map of heads has entry 6 as the last about ${CASE}, the bundle has 5.`,
    ]);
  });

  it('fails when the map is older than it says', async () => {
    const stale = await sampleBundle({
      before: (to) => {
        to.append(RECORDING, 'recording.sealed', 'ab'.repeat(32));
        to.append(CASE, 'case.opened');
      },
      heads: (to) => {
        const old = to.sortedHeads();
        to.append(CASE, 'case.closed');
        return to.logHeads(old);
      },
    });
    expect(faults(verifyBundle(stale.files)).filter((fault) => fault.startsWith('heads'))).toEqual([
      expect.stringContaining('has entry 1 as the last about'),
    ]);
    const early = await sampleBundle({ heads: (to) => to.logHeads(to.sortedHeads(), 1000n) });
    expect(faults(verifyBundle(early.files))).toEqual([expect.stringContaining('speaks of entries after its own')]);
  });

  it('fails when the file is missing, or there without bundle.json saying so', async () => {
    const without = new Map([...files].filter(([path]) => path !== 'heads.jsonl'));
    expect(faults(verifyBundle(without))).toEqual(['heads | heads.jsonl | The file is missing.']);
    const { files: plain } = await sampleBundle();
    expect(faults(verifyBundle(new Map([...plain, ['heads.jsonl', files.get('heads.jsonl')!]])))).toEqual([
      expect.stringContaining('bundle.json names no entry for it'),
    ]);
  });

  it('fails when the heads are of another entry, though it is a true one', async () => {
    const entries: ReturnType<SampleLog['logHeads']>[] = [];
    const twice = await sampleBundle({
      heads: (to) => {
        entries.push(to.logHeads(), to.logHeads());
        return entries[0]!;
      },
    });
    expect(faults(verifyBundle(twice.files))).toEqual([]);
    const other = entries[1]!;
    const entry = { ...other.entry, hashes: await twice.log.proof(other.entry.index) };
    const text = bundleHeads({ ...other, entry, subjects: [RECORDING, CASE] });
    expect(faults(verifyBundle(new Map([...twice.files, ['heads.jsonl', utf8(text)]])))).toEqual([
      expect.stringContaining('the entry is not the one that bundle.json names'),
    ]);
  });

  it('fails when the entry is not one of heads', async () => {
    const wrong = await sampleBundle({
      heads: (to) => {
        const { entry, ...map } = to.logHeads();
        const header = fromUtf8(entry.header);
        const posing = to.append(uuidOf('log'), 'log.tails', /"sha256":"([0-9a-f]{64})"/.exec(header)?.[1]);
        return { entry: posing, ...map };
      },
    });
    expect(faults(verifyBundle(wrong.files))).toEqual([expect.stringContaining('the entry is no log.heads of this log')]);
  });

  it('fails when any line is dropped, doubled or swapped, or any byte changed', () => {
    const count = 3;
    for (let i = 0; i < count; i += 1) {
      expect(verifyBundle(edited(files, (lines) => lines.filter((_, k) => k !== i))).ok).toBe(false);
      expect(verifyBundle(edited(files, (lines) => lines.flatMap((line, k) => (k === i ? [line, line] : [line])))).ok).toBe(
        false,
      );
    }
    expect(verifyBundle(edited(files, ([first, ...rest]) => [first!, ...rest.reverse()])).ok).toBe(false);
    const data = files.get('heads.jsonl')!;
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = data.map((byte, i) => (i === at ? byte ^ by : byte));
        expect(verifyBundle(new Map([...files, ['heads.jsonl', changed]])).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the builder of heads', () => {
  it('refuses a subject without a head, and an entry of another map', () => {
    const sample = new SampleLog();
    sample.append(CASE, 'case.opened');
    const logged = sample.logHeads();
    const entry = { ...logged.entry, hashes: [] };
    expect(() => bundleHeads({ ...logged, entry, subjects: [RECORDING] })).toThrow('holds no head of');
    expect(() => bundleHeads({ ...logged, entry, size: 5n, subjects: [CASE] })).toThrow('not of this map');
  });
});
