import {
  bundleEntryLine,
  bundleManifest,
  bundleProofLine,
  isUnlisted,
  linesOf,
  parseBundleEntry,
  parseBundleManifest,
  parseBundleProof,
  timestampPath,
} from './bundle-format.js';
import { canonicalize, type Json } from './canonical-json.js';
import { base64, fromUtf8 } from './encodings.js';
import { leafHash } from './merkle.js';
import { CASE, RECORDING, SampleLog } from './sample-log.js';
import { refused } from './testing/refused.js';
import type { TlogErrorCode } from './tlog-error.js';

const leaf = leafHash(Uint8Array.of(1));
const bundle = {
  format: 'custodiet/evidence-bundle/v1',
  log: 'example.com/log',
  logKey: 'first',
  recording: RECORDING,
  subjects: [RECORDING, CASE],
  heads: { [CASE]: base64(leaf) },
  createdAt: '2026-11-20T11:00:00.000Z',
  files: { 'report.pdf': 'ab'.repeat(32) },
};
const line = (value: Json): string => `${canonicalize(value)}\n`;

describe('bundle.json', () => {
  it('is read into what it says, and nothing that it does not', () => {
    const read = {
      log: bundle.log,
      logKey: 'first',
      recording: RECORDING,
      subjects: [RECORDING, CASE],
      heads: new Map([[CASE, leaf]]),
      createdAt: bundle.createdAt,
      files: new Map([['report.pdf', 'ab'.repeat(32)]]),
    };
    expect(parseBundleManifest(line(bundle))).toStrictEqual(read);
    const more = { ...bundle, alsoSignedBy: ['second'], headsEntry: base64(leaf) };
    expect(parseBundleManifest(line(more))).toStrictEqual({ ...read, alsoSignedBy: ['second'], headsEntry: leaf });
  });

  it('is written as it is read', () => {
    const manifest = parseBundleManifest(line({ ...bundle, alsoSignedBy: ['second'], headsEntry: base64(leaf), files: {} }));
    expect(bundleManifest({ ...manifest, files: new Map() })).toBe(
      line({ ...bundle, alsoSignedBy: ['second'], headsEntry: base64(leaf), files: {} }),
    );
    const plain = parseBundleManifest(line({ ...bundle, files: {} }));
    expect(bundleManifest({ ...plain, files: new Map() })).toBe(line({ ...bundle, files: {} }));
  });

  it.each<[string, { readonly [key: string]: Json }]>([
    ['another format', { format: 'custodiet/evidence-bundle/v2' }],
    ['a log with a space', { log: 'example.com log' }],
    ['an empty key', { logKey: '' }],
    ['no further key where some are announced', { alsoSignedBy: [] }],
    ['a further key twice', { alsoSignedBy: ['second', 'second'] }],
    ['its key again', { alsoSignedBy: ['first'] }],
    ['a further key that is no text', { alsoSignedBy: [1] }],
    ['further keys that are no list', { alsoSignedBy: 'second' }],
    ['a recording that is no UUID', { recording: 'x', subjects: ['x', CASE] }],
    ['subjects that are no list', { subjects: RECORDING }],
    ['a subject that is no UUID', { subjects: [RECORDING, 'x'], heads: { x: base64(leaf) } }],
    ['a subject that is no text', { subjects: [RECORDING, 1] }],
    ['another subject first', { subjects: [CASE, RECORDING] }],
    ['a subject twice', { subjects: [RECORDING, CASE, CASE] }],
    ['no head of a subject', { heads: {} }],
    ['a head of the recording', { heads: { [CASE]: base64(leaf), [RECORDING]: base64(leaf) } }],
    ['a head that is no hash', { heads: { [CASE]: 'AQ==' } }],
    ['heads that are no object', { heads: [] }],
    ['an entry of heads that is no hash', { headsEntry: 'AQ==' }],
    ['a time without milliseconds', { createdAt: '2026-11-20T11:00:00Z' }],
    ['files that are no object', { files: [] }],
    ['no files', { files: null }],
    ['files that are text', { files: 'report.pdf' }],
    ['a path out of the bundle', { files: { '../report.pdf': 'ab'.repeat(32) } }],
    ['its own digest', { files: { 'bundle.json': 'ab'.repeat(32) } }],
    ['the digest of heads', { files: { 'heads.jsonl': 'ab'.repeat(32) } }],
    ['a digest in uppercase', { files: { 'report.pdf': 'AB'.repeat(32) } }],
    ['a digest that is no text', { files: { 'report.pdf': 1 } }],
    ['an unknown field', { note: '' }],
  ])('is refused with %s', (_, change) => {
    expect(() => parseBundleManifest(line({ ...bundle, ...change }))).toThrow(refused('bundle-malformed'));
  });

  it('is refused when a field is missing, or it is not one line', () => {
    for (const key of Object.keys(bundle)) {
      const rest = Object.fromEntries(Object.entries(bundle).filter(([name]) => name !== key));
      expect(() => parseBundleManifest(line(rest))).toThrow(`${key} is missing`);
    }
    for (const text of ['', canonicalize(bundle), `${line(bundle)}\n`, line(bundle) + line(bundle)]) {
      expect(() => parseBundleManifest(text)).toThrow(refused('bundle-malformed'));
    }
  });

  it('lists no file that is made after it', () => {
    for (const path of ['bundle.json', 'entries.jsonl', 'proofs.jsonl', 'checkpoint', 'heads.jsonl', timestampPath(10)]) {
      expect(isUnlisted(path)).toBe(true);
    }
    for (const path of [
      'policy.txt',
      'manifest.note',
      'timestamps/0.tsr',
      'timestamps/1.tsr2',
      'a/timestamps/1.tsr',
      'timestamps/.tsr',
    ]) {
      expect(isUnlisted(path)).toBe(false);
    }
  });
});

describe('a line of entries.jsonl', () => {
  const log = new SampleLog();
  const { header } = log.append(RECORDING, 'recording.announced');
  const entry = { index: '7', header: fromUtf8(header), salt: base64(leaf), payload: '{}' };

  it('is read with its payload, or with none', () => {
    expect(parseBundleEntry(canonicalize(entry))).toStrictEqual({ ...entry, index: 7n, salt: leaf });
    const erased = { ...entry, salt: null, payload: null };
    expect(parseBundleEntry(canonicalize(erased))).toStrictEqual({ ...erased, index: 7n });
  });

  it.each<[string, { readonly [key: string]: Json }, TlogErrorCode?]>([
    ['an index that is a number', { index: 7 }],
    ['an empty index', { index: '' }],
    ['a leading zero', { index: '07' }, 'encoding-malformed'],
    ['no header', { header: '' }],
    ['a header that is no text', { header: {} }],
    ['a short salt', { salt: 'AQ==' }],
    ['no salt', { salt: null }],
    ['no payload', { payload: null }],
    ['an empty payload', { payload: '' }],
    ['an unknown field', { hash: '' }],
  ])('is refused with %s', (_, change, code = 'bundle-malformed') => {
    expect(() => parseBundleEntry(canonicalize({ ...entry, ...change }))).toThrow(refused(code));
  });

  it('is refused when a field is missing', () => {
    for (const key of Object.keys(entry)) {
      const rest = Object.fromEntries(Object.entries(entry).filter(([name]) => name !== key));
      expect(() => parseBundleEntry(canonicalize(rest))).toThrow(`${key} is missing`);
    }
  });

  it('is written only if a verifier can read it', () => {
    const whole = { index: 7n, header, salt: leaf, payload: '{}' };
    expect(bundleEntryLine(whole)).toBe(`${canonicalize(entry)}\n`);
    expect(bundleEntryLine({ ...whole, salt: null, payload: null })).toBe(
      `${canonicalize({ ...entry, salt: null, payload: null })}\n`,
    );
    expect(() => bundleEntryLine({ ...whole, payload: '{ }' })).toThrow(refused('not-canonical'));
    expect(() => bundleEntryLine({ ...whole, salt: new Uint8Array(31) })).toThrow(refused('header-malformed'));
    expect(() => bundleEntryLine({ ...whole, salt: null })).toThrow(refused('bundle-malformed'));
    expect(() => bundleEntryLine({ ...whole, payload: null })).toThrow(refused('bundle-malformed'));
    expect(() => bundleEntryLine({ ...whole, header: Uint8Array.of(123, 125) })).toThrow(refused('header-malformed'));
  });
});

describe('a line of proofs.jsonl', () => {
  it('is read as it is written', () => {
    for (const hashes of [[], [leaf], [leaf, leafHash(Uint8Array.of(2))]]) {
      expect(parseBundleProof(bundleProofLine({ index: 1n << 60n, hashes }).slice(0, -1))).toStrictEqual({
        index: 1n << 60n,
        hashes,
      });
    }
  });

  it.each<[string, Json, TlogErrorCode?]>([
    ['nothing', {}],
    ['no index', { hashes: [] }],
    ['no hashes', { index: '7' }],
    ['an empty index', { index: '', hashes: [] }],
    ['an index that is a number', { index: 7, hashes: [] }],
    ['hashes that are no list', { index: '7', hashes: {} }],
    ['a hash that is no text', { index: '7', hashes: [1] }],
    ['a short hash', { index: '7', hashes: ['AQ=='] }, 'encoding-malformed'],
    ['an unknown field', { index: '7', hashes: [], size: '8' }],
  ])('is refused with %s', (_, value, code = 'bundle-malformed') => {
    expect(() => parseBundleProof(canonicalize(value))).toThrow(refused(code));
  });
});

it('lines end in a newline, the last one too', () => {
  expect(linesOf('a\n\nb\n')).toEqual(['a', '', 'b']);
  expect(linesOf('\n')).toEqual(['']);
  for (const text of ['', 'a', 'a\nb']) expect(() => linesOf(text)).toThrow(refused('bundle-malformed'));
});
