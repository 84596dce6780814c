import { openManifest, readManifest, signManifest, type Manifest, type ManifestFile } from './manifest.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote } from './note.js';
import { uuidOf } from './sample-log.js';
import { refused } from './testing/refused.js';

const dock = uuidOf('dock');
const key = generateNoteKey(`dock/${dock}`);
const [signer, verifier] = [parseSigner(key.skey), parseVerifier(key.vkey)];
const file: ManifestFile = {
  name: 'clip ü.mp4',
  size: 0,
  sha256: 'ab'.repeat(32),
  camera: 'X81234567',
  officer: '4711',
  recordedAt: '2026-11-20T10:00:00.000Z',
  clockOffsetMs: -1200,
};
const point = { atMs: 0, latE7: 482_082_000, lonE7: 163_738_000 };
const manifest: Manifest = { id: uuidOf('manifest'), dock, createdAt: '2026-11-20T10:05:00.000Z', files: [file, file] };

describe('a dock manifest', () => {
  it('opens under the key of the dock that it names', () => {
    const note = signManifest(manifest, signer);
    expect(note.startsWith('custodiet/manifest/v1\n{"createdAt":')).toBe(true);
    expect(readManifest(note)).toEqual(manifest);
    expect(openManifest(note, verifier)).toEqual(manifest);
  });

  it('is refused under the key of another dock, or signed for another', () => {
    const other = generateNoteKey(`dock/${uuidOf('other')}`);
    const note = signManifest(manifest, signer);
    expect(() => openManifest(note, parseVerifier(other.vkey))).toThrow(refused('note-unsigned'));
    expect(() => signManifest(manifest, parseSigner(other.skey))).toThrow(refused('manifest-malformed'));
    const forged = signNote(note.slice(0, note.lastIndexOf('\n\n') + 1), parseSigner(other.skey));
    expect(readManifest(forged)).toEqual(manifest);
    expect(() => openManifest(forged, parseVerifier(other.vkey))).toThrow(refused('manifest-malformed'));
    const both = signNote(note.slice(0, note.lastIndexOf('\n\n') + 1), signer, parseSigner(other.skey));
    expect(() => openManifest(both, verifier)).toThrow(refused('note-malformed'));
  });

  it('is refused when it was altered', () => {
    const note = signManifest(manifest, signer);
    expect(() => openManifest(note.replace('4711', '4712'), verifier)).toThrow(refused('signature-invalid'));
    expect(() => readManifest(note.replace('manifest/v1', 'manifest/v2'))).toThrow(
      'The manifest is malformed: its first line is not custodiet/manifest/v1.',
    );
    expect(() => readManifest(note.replace('"size":0', '"size":0.5'))).toThrow('not an integer');
    expect(() => readManifest('not a note')).toThrow(refused('note-malformed'));
  });

  it.each<[string, Record<string, unknown>]>([
    ['a name with a folder', { name: 'a/b.mp4' }],
    ['a name with a backslash', { name: 'a\\b.mp4' }],
    ['no name', { name: '' }],
    ['a name that is too long', { name: 'ü'.repeat(128) }],
    ['the name of the folder above', { name: '..' }],
    ['the name of the folder itself', { name: '.' }],
    ['a name with a control character', { name: 'a\u0085b' }],
    ['a negative size', { size: -1 }],
    ['a size in text', { size: '1' }],
    ['a hash that is none', { sha256: 'ab' }],
    ['no camera', { camera: '' }],
    ['an endless badge', { officer: '1'.repeat(129) }],
    ['a control character', { officer: '1\u0007' }],
    ['a local time', { recordedAt: '2026-11-20 10:00' }],
    ['a fraction of a millisecond', { clockOffsetMs: 0.5 }],
    ['an unknown field', { gps: '1' }],
    ['a counter below 0', { counter: -1 }],
    ['part of a second', { preEventSeconds: 0.5 }],
    ['more than a day before the event', { preEventSeconds: 86_401 }],
    ['an empty category', { category: '' }],
    ['a flag in text', { flagged: 'true' }],
    ['a track that is no list', { gpsTrack: 'north' }],
    ['a point without a time', { gpsTrack: [{ latE7: 0, lonE7: 0 }] }],
    ['a point with an altitude', { gpsTrack: [{ atMs: 0, latE7: 0, lonE7: 0, alt: 0 }] }],
    ['a time before the recording', { gpsTrack: [{ ...point, atMs: -1 }] }],
    ['a latitude beyond the pole', { gpsTrack: [{ ...point, latE7: 900_000_001 }] }],
    ['a latitude beyond the other pole', { gpsTrack: [{ ...point, latE7: -900_000_001 }] }],
    ['a longitude beyond the date line', { gpsTrack: [{ ...point, lonE7: 1_800_000_001 }] }],
    ['a longitude beyond it from the other side', { gpsTrack: [{ ...point, lonE7: -1_800_000_001 }] }],
    [
      'a track that goes back in time',
      {
        gpsTrack: [
          { ...point, atMs: 2 },
          { ...point, atMs: 1 },
        ],
      },
    ],
    ['too many points', { gpsTrack: Array.from({ length: 10_001 }, () => point) }],
  ])('is refused with %s', (_, change) => {
    expect(() => signManifest({ ...manifest, files: [{ ...file, ...change }] }, signer)).toThrow(refused('manifest-malformed'));
  });

  it('takes names and labels up to their limits', () => {
    for (const change of [
      { name: 'n'.repeat(255), camera: 'c'.repeat(128), officer: '1' },
      { name: '...', camera: 'c', officer: 'ü'.repeat(128) },
    ]) {
      const limits = { ...manifest, files: [{ ...file, ...change }] };
      expect(openManifest(signManifest(limits, signer), verifier)).toEqual(limits);
    }
    for (const change of [{ name: 'n'.repeat(256) }, { camera: 'c'.repeat(129) }]) {
      expect(() => signManifest({ ...manifest, files: [{ ...file, ...change }] }, signer)).toThrow(refused('manifest-malformed'));
    }
  });

  it('says what else the camera knew, and leaves out what it did not', () => {
    const { officer: _, ...unknownOfficer } = file;
    const track = [point, { ...point, atMs: 0 }, { atMs: 9000, latE7: -900_000_000, lonE7: 1_800_000_000 }];
    const told: ManifestFile = {
      ...{ ...file, name: 'told.mp4', counter: 0, preEventSeconds: 86_400, category: 'Traffic stop', flagged: true },
      gpsTrack: track,
    };
    const both = { ...manifest, files: [unknownOfficer, told, { ...file, gpsTrack: [], flagged: false, preEventSeconds: 0 }] };
    expect(openManifest(signManifest(both, signer), verifier)).toEqual(both);
    const longest = { ...manifest, files: [{ ...file, gpsTrack: Array.from({ length: 10_000 }, () => point) }] };
    expect(openManifest(signManifest(longest, signer), verifier)).toEqual(longest);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an id that is no UUID', { id: 'x' }],
    ['a dock that is no UUID', { dock: 'x' }],
    ['a local time', { createdAt: '2026-11-20 10:00' }],
    ['a field too many', { note: '' }],
  ])('is refused with %s', (_, change) => {
    expect(() => signManifest({ ...manifest, ...change }, signer)).toThrow(refused('manifest-malformed'));
  });

  it('is refused when a field is missing', () => {
    for (const key of Object.keys(manifest).filter((name) => name !== 'files')) {
      const rest = Object.fromEntries(Object.entries(manifest).filter(([name]) => name !== key));
      expect(() => signManifest(rest as unknown as Manifest, signer)).toThrow(`${key} is missing`);
    }
    for (const key of Object.keys(file).filter((name) => name !== 'officer')) {
      const rest = Object.fromEntries(Object.entries(file).filter(([name]) => name !== key));
      expect(() => signManifest({ ...manifest, files: [rest as unknown as ManifestFile] }, signer)).toThrow(`${key} is missing`);
    }
  });

  it('is refused without files', () => {
    expect(() => signManifest({ ...manifest, files: [] }, signer)).toThrow(refused('manifest-malformed'));
  });
});
