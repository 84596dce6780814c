import fc from 'fast-check';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import {
  formatDisclosureProof,
  formatPackageManifest,
  parsePackageManifest,
  verifyDisclosureProof,
  verifyPackagedRecording,
  type PackageManifest,
} from './disclosure-package.js';
import { CASE, RECORDING, sampleBundle, VIDEO_SHA256 } from './sample-log.js';
import { TlogError } from './tlog-error.js';

const ID = '01a20035-1ddb-77fa-8568-5b5cbcb997b4';
const OTHER = '01a20035-1ddb-77fa-8568-5b5cbcb997b5';
const SHA256 = 'ab'.repeat(32);
const file = { size: 9, sha256: SHA256 };

const MANIFEST: PackageManifest = {
  disclosure: ID,
  log: 'log.example/custody',
  logKey: 'log.example/custody+12345678+AAAA',
  agency: 'Test agency',
  createdAt: '2026-03-14T09:26:53.000Z',
  recipient: { name: '../../x', organisation: 'שלום', kind: 'defence' },
  legalBasis: 'Order',
  conditions: '',
  until: '2026-04-14T09:26:53.000Z',
  form: 'marked',
  recordings: [
    {
      ...{
        recording: OTHER,
        name: 'a.mp4',
        sha256: SHA256,
        media: 'media/a.mp4',
        bundle: 'bundles/a.zip',
        report: 'reports/a.pdf',
      },
      ...{ fromMs: 0, toMs: 1000 },
    },
  ],
  files: new Map([
    ['README.txt', file],
    ['bundles/a.zip', file],
    ['media/a.mp4', file],
    ['reports/a.pdf', file],
  ]),
};

function changed(change: (manifest: Record<string, Json>) => void): string {
  const copy = JSON.parse(formatPackageManifest(MANIFEST)) as Record<string, Json>;
  change(copy);
  return canonicalize(copy);
}

describe('the manifest of a package', () => {
  it('is read as it was written, and written the same whatever the order of its files', () => {
    const text = formatPackageManifest(MANIFEST);
    expect(parsePackageManifest(text)).toEqual(MANIFEST);
    expect(formatPackageManifest({ ...MANIFEST, files: new Map([...MANIFEST.files].reverse()) })).toBe(text);
    expect(parseCanonical(text)).toMatchObject({ format: 'custodiet/disclosure/v1' });
  });

  it.each<[string, (manifest: Record<string, Json>) => void]>([
    ['names a path that leads out', (m) => void (m['files'] = [{ path: '../a', ...file }])],
    ['lists a file twice', (m) => void (m['files'] = [m['files'], m['files']].flat() as Json)],
    ['lists itself', (m) => void (m['files'] = [{ path: 'manifest.json', ...file }])],
    ['does not list the media', (m) => void (m['files'] = [{ path: 'README.txt', ...file }])],
    ['names no recording', (m) => void (m['recordings'] = [])],
    ['is of another form', (m) => void (m['form'] = 'edited')],
    ['is of another format', (m) => void (m['format'] = 'custodiet/disclosure/v2')],
    ['has a field more', (m) => void (m['more'] = true)],
    ['has a field less', (m) => void delete m['until']],
    ['has a size below nothing', (m) => void (m['files'] = [{ path: 'README.txt', size: -1, sha256: SHA256 }])],
  ])('that %s is refused', (_, change) => {
    expect(() => parsePackageManifest(changed(change))).toThrow(TlogError);
  });

  it('that is any other text is refused, and never otherwise than with a sentence', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parsePackageManifest(text)).toThrow(TlogError);
      }),
    );
  });
});

describe('the proof of a package', () => {
  it('that is malformed, or of something else, is refused', () => {
    const args = { of: 'package', disclosure: ID, sha256: SHA256 } as const;
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => verifyDisclosureProof(text, args)).toThrow(TlogError);
      }),
    );
    const text = formatDisclosureProof({ ...args, header: 'no header', proof: 'no proof' });
    expect(() => verifyDisclosureProof(text, args)).toThrow(TlogError);
    expect(() => formatDisclosureProof({ ...args, sha256: 'x', header: 'h', proof: 'p' })).toThrow(TlogError);
  });
});

describe('a marked copy', () => {
  const COPY = 'cd'.repeat(32);
  const packaged = { ...MANIFEST.recordings[0]!, recording: RECORDING, sha256: VIDEO_SHA256, fromMs: 0, toMs: 1000 };

  async function checked(event: Record<string, Json>, media = COPY): Promise<unknown> {
    const { log, files } = await sampleBundle({
      before: (to) => {
        to.append(RECORDING, 'recording.announced', VIDEO_SHA256);
        to.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
        to.append(CASE, 'case.opened');
        to.append(RECORDING, 'disclosure.marked', COPY, { event });
      },
    });
    const of = { form: 'marked', disclosure: ID, media, bundle: files, trust: { logKey: log.logKey } } as const;
    return verifyPackagedRecording(packaged, of);
  }

  it('is one that the log knows, of this disclosure and this part', async () => {
    const event = { disclosure: ID, fromMs: 0, toMs: 1000 };
    await expect(checked(event)).resolves.toMatchObject({ ok: true });
    await expect(checked(event, SHA256)).rejects.toThrow('The log knows of no marked copy');
    for (const other of [{ ...event, disclosure: OTHER }, { ...event, toMs: 2000 }, { ...event, fromMs: null, toMs: null }, {}])
      await expect(checked(other)).rejects.toThrow('made for another disclosure, or of another part');
  });
});
