import { openManifest, readManifest, signManifest, type Manifest, type ManifestFile } from './manifest.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote } from './note.js';
import { uuidOf } from './sample-log.js';

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
    expect(() => openManifest(note, parseVerifier(other.vkey))).toThrow(
      expect.objectContaining({ code: 'note-unsigned' }) as Error,
    );
    expect(() => signManifest(manifest, parseSigner(other.skey))).toThrow('may not sign for the dock');
    const forged = signNote(note.slice(0, note.lastIndexOf('\n\n') + 1), parseSigner(other.skey));
    expect(readManifest(forged)).toEqual(manifest);
    expect(() => openManifest(forged, parseVerifier(other.vkey))).toThrow('may not sign for the dock');
    const both = signNote(note.slice(0, note.lastIndexOf('\n\n') + 1), signer, parseSigner(other.skey));
    expect(() => openManifest(both, verifier)).toThrow('unknown key');
  });

  it('is refused when it was altered', () => {
    const note = signManifest(manifest, signer);
    expect(() => openManifest(note.replace('4711', '4712'), verifier)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }) as Error,
    );
    expect(() => readManifest(note.replace('manifest/v1', 'manifest/v2'))).toThrow('first line');
    expect(() => readManifest(note.replace('"size":0', '"size":0.5'))).toThrow('not an integer');
    expect(() => readManifest('not a note')).toThrow(expect.objectContaining({ code: 'note-malformed' }) as Error);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a name with a folder', { name: 'a/b.mp4' }],
    ['a name with a backslash', { name: 'a\\b.mp4' }],
    ['no name', { name: '' }],
    ['a name that is too long', { name: 'ü'.repeat(128) }],
    ['the name of the folder above', { name: '..' }],
    ['a negative size', { size: -1 }],
    ['a size in text', { size: '1' }],
    ['a hash that is none', { sha256: 'ab' }],
    ['no camera', { camera: '' }],
    ['an endless badge', { officer: '1'.repeat(129) }],
    ['a control character', { officer: '1\u0007' }],
    ['a local time', { recordedAt: '2026-11-20 10:00' }],
    ['a fraction of a millisecond', { clockOffsetMs: 0.5 }],
    ['an unknown field', { gps: '1' }],
  ])('is refused with %s', (_, change) => {
    expect(() => signManifest({ ...manifest, files: [{ ...file, ...change }] }, signer)).toThrow(
      expect.objectContaining({ name: 'TlogError' }) as Error,
    );
  });

  it('is refused without files', () => {
    expect(() => signManifest({ ...manifest, files: [] }, signer)).toThrow('lists no file');
  });
});
