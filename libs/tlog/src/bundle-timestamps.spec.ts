import fc from 'fast-check';
import { bundleManifest } from './bundle-format.js';
import { verifyBundle, type BundleVerdict } from './bundle.js';
import { decodeZip, encodeZip } from './bundle-zip.js';
import { utf8 } from './encodings.js';
import { sha256 } from './merkle.js';
import { RECORDING, sampleBundle } from './sample-log.js';
import { sampleInfo, sampleTimestamp } from './sample-timestamp.js';

type Files = ReadonlyMap<string, Uint8Array>;

const { log, files } = await sampleBundle();
const digest = sha256(files.get('checkpoint')!);
const later = sampleTimestamp(digest, { info: sampleInfo(digest, '20261120120000.25Z') });
const stamped = withTimestamps(sampleTimestamp(digest), later);

function withTimestamps(...responses: readonly Uint8Array[]): Map<string, Uint8Array> {
  return new Map([...files, ...responses.map((response, i) => [`timestamps/${i + 1}.tsr`, response] as const)]);
}

function faults(verdict: BundleVerdict): string[] {
  return verdict.checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);
}

function without(from: Files, path: string): Files {
  return new Map([...from].filter(([name]) => name !== path));
}

describe('a bundle with timestamps', () => {
  it('verifies, gives their times, and says plainly that nobody has checked who signed them', () => {
    const verdict = verifyBundle(decodeZip(encodeZip(stamped)), { logKey: log.logKey });
    expect(faults(verdict)).toEqual([]);
    expect(verdict.timestamps).toEqual([
      { file: 'timestamps/1.tsr', time: '2026-11-20T11:05:00.000Z' },
      { file: 'timestamps/2.tsr', time: '2026-11-20T12:00:00.250Z' },
    ]);
    expect(verdict.checks.find(({ name }) => name === 'timestamps')?.detail).toBe(
      'Timestamps of this checkpoint say 2026-11-20T11:05:00.000Z, 2026-11-20T12:00:00.250Z. ' +
        "The authorities' signatures were NOT checked; for each: openssl ts -verify -in timestamps/1.tsr -data checkpoint -CAfile AUTHORITY.pem",
    );
  });

  it('without any has no such check', () => {
    const verdict = verifyBundle(files);
    expect(verdict.timestamps).toEqual([]);
    expect(verdict.checks.map(({ name }) => name)).not.toContain('timestamps');
    expect(verifyBundle(new Map()).timestamps).toEqual([]);
  });

  it('fails when one is of something else, and gives only the times of the others', () => {
    const foreign = sampleTimestamp(sha256(utf8('another checkpoint')));
    const verdict = verifyBundle(withTimestamps(foreign, later));
    expect(faults(verdict)).toEqual([
      'timestamps | timestamps/1.tsr | It is a timestamp of something else than the checkpoint of this bundle.',
    ]);
    expect(verdict.timestamps).toEqual([{ file: 'timestamps/2.tsr', time: '2026-11-20T12:00:00.250Z' }]);
    const other = new Map([...stamped, ['checkpoint', utf8(`${log.checkpoint()}\n`)]]);
    expect(faults(verifyBundle(other)).filter((fault) => fault.startsWith('timestamps'))).toHaveLength(2);
    expect(faults(verifyBundle(without(stamped, 'checkpoint')))).toContain(
      'timestamps | timestamps/2.tsr | It is a timestamp of something else than the checkpoint of this bundle.',
    );
  });

  it('fails when one in between is missing, though not when the last is', () => {
    expect(faults(verifyBundle(without(stamped, 'timestamps/1.tsr')))).toEqual([
      'timestamps | timestamps/1.tsr | The file is missing: timestamps are counted from 1.',
    ]);
    expect(verifyBundle(without(stamped, 'timestamps/2.tsr')).ok).toBe(true);
  });

  it('has them under these names only', () => {
    for (const path of [
      'timestamps/0.tsr',
      'timestamps/01.tsr',
      'timestamps/1.der',
      'timestamps/1.tsr/x',
      'timestamps/-1.tsr',
      '1.tsr',
    ]) {
      expect(faults(verifyBundle(new Map([...files, [path, later]])))).toEqual([
        `files | ${path} | The file is not listed in bundle.json.`,
      ]);
    }
    const huge = new Map([...files, ['timestamps/99999999999999999999.tsr', later]]);
    expect(faults(verifyBundle(huge))).toEqual([
      'timestamps | timestamps/1.tsr | The file is missing: timestamps are counted from 1.',
    ]);
  });

  it('does not list them, because they are made after bundle.json', () => {
    const list = (path: string): string =>
      bundleManifest({
        log: log.origin,
        logKey: log.key.vkey,
        recording: RECORDING,
        subjects: [RECORDING],
        heads: new Map(),
        createdAt: '2026-11-20T11:00:00.000Z',
        files: new Map([[path, later]]),
      });
    expect(() => list('timestamps/1.tsr')).toThrow('is not a path it may list');
    expect(list('timestamps/ca.pem')).toContain('timestamps/ca.pem');
  });

  it('never throws and never passes with hostile ones', () => {
    let nested = new Uint8Array();
    for (let i = 0; i < 1000; i++) nested = Uint8Array.of(0x30, 0x80, ...nested);
    const change = fc.tuple(fc.nat(later.length - 1), fc.integer({ min: 1, max: 255 }));
    const altered = change.map(([at, by]) => later.map((byte, i) => (i === at ? byte ^ by : byte)));
    const cut = fc.nat(later.length - 1).map((length) => later.slice(0, length));
    const hostile = fc.oneof(fc.uint8Array(), fc.constant(nested), cut);
    fc.assert(
      fc.property(hostile, (response) => {
        expect(faults(verifyBundle(withTimestamps(response)))).toEqual([
          expect.stringMatching(/^timestamps \| timestamps\/1\.tsr \| /),
        ]);
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(altered, (response) => {
        const { ok, timestamps } = verifyBundle(withTimestamps(response));
        // Only what no verifier without certificates can tell may pass: another time, or another name in what an authority signs.
        expect(timestamps).toHaveLength(ok ? 1 : 0);
      }),
      { numRuns: 100 },
    );
  });
});
