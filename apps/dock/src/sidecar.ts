import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import * as z from 'zod/mini';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';
import { gpsTrackOf, MOST_GPS_POINTS, type GpsPoint } from './gps-track.rules.js';
import { instantOf, utcInstant } from './instant.rules.js';
import { readDocument } from './json-document.js';

/** What can be said of a recording beside its bytes. Units and limits are those of the manifest. */
export interface RecordingMetadata {
  /** Serial number. */
  readonly camera?: string;
  /** Badge. */
  readonly officer?: string;
  /** RFC 3339, by the camera's clock. */
  readonly recordedAt?: string;
  /** Camera's clock minus true time. */
  readonly clockOffsetMs?: number;
  /** The camera's own number of this recording, counting up by one. */
  readonly counter?: number;
  readonly preEventSeconds?: number;
  readonly category?: string;
  readonly flagged?: boolean;
  readonly gpsTrack?: readonly GpsPoint[];
}

/** A sidecar as it was read, so that it can be told later whether it is still the same. */
export interface SidecarFile {
  readonly path: string;
  /** Lowercase hexadecimal. */
  readonly sha256: string;
}

const MOST_BYTES = 8 * 1024 * 1024;

const labelWords = 'must be a text of 1 to 128 characters without line breaks or other control characters';
const label = z.string(labelWords).check(z.refine(isLabel, labelWords));
// Programs that round print -0, which canonical JSON has no text for
const unsigned = z.overwrite<number>((value) => value + 0);
const whole = (least: number, most: number, words: string): z.ZodMiniNumberFormat =>
  z.int(words).check(z.gte(least, words), z.lte(most, words), unsigned);

const pointWords =
  'must be { atMs, latE7, lonE7 } in whole numbers, or { at, lat, lon } with at in seconds or RFC 3339 and lat and lon in degrees';
const within = (least: number, most: number): z.ZodMiniNumber =>
  z.number(pointWords).check(z.gte(least, pointWords), z.lte(most, pointWords));
const point = z.union(
  [
    z.strictObject({
      atMs: whole(0, Number.MAX_SAFE_INTEGER, pointWords),
      latE7: whole(-900_000_000, 900_000_000, pointWords),
      lonE7: whole(-1_800_000_000, 1_800_000_000, pointWords),
    }),
    z.strictObject({
      at: z.union([within(0, 1e9), z.string().check(z.refine(isInstant))], pointWords),
      lat: within(-90, 90),
      lon: within(-180, 180),
    }),
  ],
  pointWords,
);

const trackWords = `must be a list of at most ${String(MOST_GPS_POINTS)} points`;
const timeWords = 'must be a time such as 2026-11-20T10:30:00Z';
const sidecar = z.strictObject({
  camera: z.exactOptional(label),
  officer: z.exactOptional(label),
  recordedAt: z.exactOptional(z.string(timeWords).check(z.refine(isInstant, timeWords))),
  clockOffsetMs: z.exactOptional(z.int('must be a whole number of milliseconds').check(unsigned)),
  counter: z.exactOptional(whole(0, Number.MAX_SAFE_INTEGER, 'must be a whole number from 0')),
  preEventSeconds: z.exactOptional(whole(0, 86_400, 'must be a whole number of seconds from 0 to 86400')),
  category: z.exactOptional(label),
  flagged: z.exactOptional(z.boolean('must be true or false')),
  // Counted before any is looked at: the faults of a million points would take more memory than there is
  gpsTrack: z.exactOptional(
    z.pipe(z.array(z.unknown(), trackWords).check(z.maxLength(MOST_GPS_POINTS, trackWords)), z.array(point)),
  ),
});

/**
 * The places where a video's sidecar is looked for, the first that exists counts: clip.mp4.json, clip.json. The longer name comes first because
 * clip.json may be a file of the camera maker's own, and the longer name is then the way past it.
 */
export function sidecarPaths(video: string): string[] {
  const short = join(dirname(video), `${basename(video, extname(video))}.json`);
  return [`${video}.json`, ...(short === video ? [] : [short])];
}

/**
 * What stands beside the video, undefined when nothing does.
 * @param statedRecordedAt outweighs the sidecar's own, also as the beginning that times of day in its track count from
 * @throws UsageFault naming the file and every field that is wrong
 */
export async function readSidecar(
  video: string,
  statedRecordedAt?: string,
): Promise<{ readonly file: SidecarFile; readonly metadata: RecordingMetadata } | undefined> {
  for (const path of sidecarPaths(video)) {
    const bytes = await bytesOf(path);
    if (bytes === undefined) continue;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { file: { path, sha256 }, metadata: metadataOf(textOf(bytes, path), path, statedRecordedAt) };
  }
  return undefined;
}

function metadataOf(text: string, path: string, statedRecordedAt: string | undefined): RecordingMetadata {
  // A misspelt field left aside would put a guessed time or a zero offset under the dock's signature
  const read = readDocument(sidecar, text, 'is not a field of a sidecar');
  if (read.faults !== undefined) throw new UsageFault(`${path}: ${read.faults.join('; ')}`);
  const { recordedAt: given, gpsTrack: points, ...rest } = read.value;
  const recordedAt = given === undefined ? undefined : utcInstant(given);
  const gpsTrack = points === undefined ? undefined : gpsTrackOf(points, statedRecordedAt ?? recordedAt);
  if (typeof gpsTrack === 'string') throw new UsageFault(`${path}: "gpsTrack" ${gpsTrack}`);
  return {
    ...rest,
    ...(recordedAt === undefined ? {} : { recordedAt }),
    ...(gpsTrack === undefined ? {} : { gpsTrack }),
  };
}

/** Undefined when there is no such file. Never waits: a pipe of that name would otherwise hold up every other file. */
async function bytesOf(path: string): Promise<Buffer | undefined> {
  let handle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === 'ELOOP') throw new UsageFault(`${path} is a link, and a sidecar must be a file of its own`);
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  }
  try {
    const { size } = await handle.stat().then((found) => {
      if (!found.isFile()) throw new Error('it is not a file');
      return found;
    });
    if (size > MOST_BYTES) throw new Error('it is larger than 8 MiB');
    const bytes = Buffer.alloc(size + 1);
    let filled = 0;
    for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
      got = (await handle.read(bytes, filled, bytes.length - filled, filled)).bytesRead;
    }
    if (filled > size) throw new Error('it is being written to');
    return bytes.subarray(0, filled);
  } catch (error) {
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  } finally {
    await handle.close();
  }
}

function textOf(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageFault(`${path}: it is not UTF-8 text`);
  }
}

function isLabel(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && !/\p{Cc}/u.test(text) && text.isWellFormed();
}

function isInstant(text: string): boolean {
  return instantOf(text) !== undefined;
}
