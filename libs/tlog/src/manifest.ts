import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { utf8 } from './encodings.js';
import { JsonShape } from './json-shape.js';
import { openNote, signNote, splitNote, type NoteSigner, type NoteVerifier } from './note.js';
import { TlogError } from './tlog-error.js';

/** One file that a dock is about to upload. */
export interface ManifestFile {
  /** File name without folders, at most 255 bytes of UTF-8. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lowercase hexadecimal. */
  readonly sha256: string;
  /** Serial number of the camera. */
  readonly camera: string;
  /** Badge of the officer. */
  readonly officer: string;
  /** By the camera's clock: RFC 3339, UTC, milliseconds, "Z". */
  readonly recordedAt: string;
  /** Camera's clock minus true time, milliseconds. */
  readonly clockOffsetMs: number;
}

/** What a dock signs before it uploads. */
export interface Manifest {
  /** UUID of the manifest. */
  readonly id: string;
  /** UUID of the dock; its key is named "dock/<uuid>". */
  readonly dock: string;
  /** RFC 3339, UTC, milliseconds, "Z". */
  readonly createdAt: string;
  readonly files: readonly ManifestFile[];
}

const FIRST_LINE = 'custodiet/manifest/v1\n';
const shape = new JsonShape('manifest-malformed', 'manifest');

/** The signed note that a dock announces. @throws TlogError unless the signer is named "dock/<uuid of the dock>". */
export function signManifest(manifest: Manifest, signer: NoteSigner): string {
  const checked = readFields({ ...manifest, files: manifest.files.map((file) => ({ ...file })) });
  assertDockKey(checked, signer.name);
  return signNote(`${FIRST_LINE}${canonicalize({ ...checked, files: checked.files.map((file) => ({ ...file })) })}\n`, signer);
}

/** Reads a manifest **without verifying it**, to learn which dock's key must have signed it. @throws TlogError */
export function readManifest(note: string): Manifest {
  return parseText(splitNote(note).text);
}

/** @throws TlogError unless the note is signed by that key and no other, and the key is the dock's. */
export function openManifest(note: string, verifier: NoteVerifier): Manifest {
  const { text, unknown } = openNote(note, [verifier]);
  if (unknown > 0) throw new TlogError('note-malformed', 'The manifest carries a signature of an unknown key.');
  const manifest = parseText(text);
  assertDockKey(manifest, verifier.name);
  return manifest;
}

function parseText(text: string): Manifest {
  if (!text.startsWith(FIRST_LINE)) shape.refuse(`its first line is not ${FIRST_LINE.trim()}`);
  return readFields(parseCanonical(text.slice(FIRST_LINE.length, -1)));
}

function assertDockKey(manifest: Manifest, name: string): void {
  if (name !== `dock/${manifest.dock}`) {
    throw new TlogError('manifest-malformed', `The key ${name} may not sign for the dock ${manifest.dock}.`);
  }
}

function readFields(value: Json): Manifest {
  const o = shape.object(value, ['id', 'dock', 'createdAt', 'files']);
  const files = shape.list(o, 'files');
  if (files.length === 0) shape.refuse('it lists no file');
  return {
    id: shape.uuid(o, 'id'),
    dock: shape.uuid(o, 'dock'),
    createdAt: shape.instant(o, 'createdAt'),
    files: files.map(readFile),
  };
}

function readFile(value: Json): ManifestFile {
  const o = shape.object(value, ['name', 'size', 'sha256', 'camera', 'officer', 'recordedAt', 'clockOffsetMs']);
  return {
    name: shape.text(o, 'name', isFileName, 'a file name without folders'),
    size: shape.integer(o, 'size', 0),
    sha256: shape.sha256(o, 'sha256'),
    camera: shape.text(o, 'camera', isLabel, 'a serial number of 1 to 128 characters'),
    officer: shape.text(o, 'officer', isLabel, 'a badge of 1 to 128 characters'),
    recordedAt: shape.instant(o, 'recordedAt'),
    clockOffsetMs: shape.integer(o, 'clockOffsetMs'),
  };
}

function isFileName(text: string): boolean {
  return !/[/\\\p{Cc}]/u.test(text) && !['', '.', '..'].includes(text) && utf8(text).length <= 255;
}

function isLabel(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && !/\p{Cc}/u.test(text);
}
