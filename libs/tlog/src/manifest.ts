import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { utf8 } from './encodings.js';
import { JsonShape, type JsonObject } from './json-shape.js';
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
  /** Badge of the officer, where it is known. */
  readonly officer?: string;
  /** By the camera's clock: RFC 3339, UTC, milliseconds, "Z". */
  readonly recordedAt: string;
  /** Camera's clock minus true time, milliseconds. */
  readonly clockOffsetMs: number;
  /** The camera's own number of this recording, counting up by one: a number that never comes is a recording that never came. */
  readonly counter?: number;
  /** Whole seconds at its beginning that were recorded before the camera was switched on. */
  readonly preEventSeconds?: number;
  /** What the officer tagged it as. */
  readonly category?: string;
  /** Of an incident that was flagged: it is sent and worked on first. */
  readonly flagged?: boolean;
  /** In order of time, at most 10,000 points. */
  readonly gpsTrack?: readonly GpsPoint[];
}

/** Where a camera was. */
export interface GpsPoint {
  /** Milliseconds from the beginning of the recording. */
  readonly atMs: number;
  /** 1e-7 degrees north of the equator, WGS 84. */
  readonly latE7: number;
  /** 1e-7 degrees east of Greenwich, WGS 84. */
  readonly lonE7: number;
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
const MOST_GPS_POINTS = 10_000;
const MOST_PRE_EVENT_SECONDS = 86_400;
const shape = new JsonShape('manifest-malformed', 'manifest');

/** The signed note that a dock announces. @throws TlogError unless the signer is named "dock/<uuid of the dock>". */
export function signManifest(manifest: Manifest, signer: NoteSigner): string {
  const checked = readFields(toJson(manifest));
  assertDockKey(checked, signer.name);
  return signNote(`${FIRST_LINE}${canonicalize(toJson(checked))}\n`, signer);
}

/** An interface has no index signature, so the compiler does not see that a manifest is JSON; readFields sees whether it is. */
function toJson(manifest: Manifest): Json {
  return manifest as unknown as Json;
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

const REQUIRED = ['name', 'size', 'sha256', 'camera', 'recordedAt', 'clockOffsetMs'] as const;
const OPTIONAL = ['officer', 'counter', 'preEventSeconds', 'category', 'flagged', 'gpsTrack'] as const;

function readFile(value: Json): ManifestFile {
  const o = shape.object(value, REQUIRED, OPTIONAL);
  const has = (key: (typeof OPTIONAL)[number]): boolean => Object.hasOwn(o, key);
  return {
    name: shape.text(o, 'name', isFileName, 'a file name without folders'),
    size: shape.integer(o, 'size', 0),
    sha256: shape.sha256(o, 'sha256'),
    camera: shape.text(o, 'camera', isLabel, 'a serial number of 1 to 128 characters'),
    recordedAt: shape.instant(o, 'recordedAt'),
    clockOffsetMs: shape.integer(o, 'clockOffsetMs'),
    ...(has('officer') ? { officer: shape.text(o, 'officer', isLabel, 'a badge of 1 to 128 characters') } : {}),
    ...(has('counter') ? { counter: shape.integer(o, 'counter', 0) } : {}),
    ...(has('preEventSeconds') ? { preEventSeconds: shape.integer(o, 'preEventSeconds', 0, MOST_PRE_EVENT_SECONDS) } : {}),
    ...(has('category') ? { category: shape.text(o, 'category', isLabel, 'a tag of 1 to 128 characters') } : {}),
    ...(has('flagged') ? { flagged: shape.flag(o, 'flagged') } : {}),
    ...(has('gpsTrack') ? { gpsTrack: readTrack(o) } : {}),
  };
}

function readTrack(file: JsonObject): GpsPoint[] {
  const points = shape.list(file, 'gpsTrack').map((value) => {
    const o = shape.object(value, ['atMs', 'latE7', 'lonE7']);
    return {
      atMs: shape.integer(o, 'atMs', 0),
      latE7: shape.integer(o, 'latE7', -900_000_000, 900_000_000),
      lonE7: shape.integer(o, 'lonE7', -1_800_000_000, 1_800_000_000),
    };
  });
  if (points.length > MOST_GPS_POINTS) shape.refuse(`gpsTrack has more than ${MOST_GPS_POINTS} points`);
  const disorder = points.findIndex((point, i) => i > 0 && point.atMs < (points[i - 1]?.atMs ?? 0));
  if (disorder !== -1) shape.refuse(`gpsTrack goes back in time at point ${disorder}`);
  return points;
}

/** Whether a manifest takes it as the name of a file: without folders and control characters, at most 255 bytes of UTF-8. */
export function isFileName(text: string): boolean {
  return !/[/\\\p{Cc}]/u.test(text) && !['', '.', '..'].includes(text) && utf8(text).length <= 255;
}

function isLabel(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && !/\p{Cc}/u.test(text);
}
