import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { ManifestFile } from '#tlog';
import { FileGone, messageOf, systemCode, UsageFault } from './dock-faults.js';
import { assertSame, stampOf } from './file-stamp.js';
import type { FileStamp } from './journal-entry.js';
import { probeMetadata } from './probed-metadata.js';
import { readSidecar, type RecordingMetadata, type SidecarFile } from './sidecar.js';

export { utcInstant } from './instant.rules.js';

/** What the command line says about all files at once. It outweighs a file's own sidecar, and that what ffprobe finds in the file. */
export type StatedMetadata = RecordingMetadata;

/** A video on this dock, with what the manifest will say about it except its hash. Plain data, so that a journal can keep it. */
export interface RecordingFile extends RecordingMetadata {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  /** Tells whether the file is still the one that was hashed. */
  readonly modifiedMs: number;
  readonly camera: string;
  readonly recordedAt: string;
  readonly clockOffsetMs: number;
  /** The sidecar that was used. */
  readonly sidecar?: SidecarFile;
}

/** The manifest cannot be written before somebody says more: a sidecar that is written later mends it. Exit code 2 where nobody waits for one. */
export class MetadataMissing extends UsageFault {
  constructor(
    path: string,
    readonly missing: readonly (keyof RecordingMetadata)[],
  ) {
    super(
      `${path}: its ${missing.join(' and ')} is not known. Give ${missing.map((field) => `--${field}`).join(' and ')}, ` +
        `or write ${basename(path)}.json beside it`,
    );
  }
}

const MEMBERS = [
  'camera',
  'officer',
  'recordedAt',
  'clockOffsetMs',
  'counter',
  'preEventSeconds',
  'category',
  'flagged',
  'gpsTrack',
] as const satisfies readonly (keyof RecordingMetadata)[];

/**
 * Reads the file's stamp and what is known of it: the stated comes first, then the sidecar, then ffprobe, asked only where something is still open.
 * Without a recorded-at anywhere it is the time of the file's last change, and without an officer the service asks who had the camera.
 * @param options `ffprobe` is a name or path; `off` asks none
 * @throws MetadataMissing when nobody says which camera it was
 * @throws UsageFault when the file or its sidecar cannot be used
 */
export async function describeFile(
  path: string,
  stated: StatedMetadata,
  options: { readonly ffprobe?: string } = {},
): Promise<RecordingFile> {
  const { size, modifiedMs } = await stampOf(path).catch((error: unknown) => {
    throw new UsageFault(messageOf(error));
  });
  const name = basename(path);
  if (!isAnnounceable(name)) throw new UsageFault(`${JSON.stringify(path)}: its name cannot be announced, rename it`);
  const said = metadataIn(stated);
  const sidecar = await readSidecar(path, said.recordedAt);
  const stood = { ...sidecar?.metadata, ...said };
  const known = { ...(await probed(path, stood, options.ffprobe)), ...stood };
  if (known.camera === undefined) throw new MetadataMissing(path, ['camera']);
  return {
    ...known,
    path,
    name,
    size,
    modifiedMs,
    camera: known.camera,
    recordedAt: known.recordedAt ?? new Date(modifiedMs).toISOString(),
    clockOffsetMs: known.clockOffsetMs ?? 0,
    ...(sidecar === undefined ? {} : { sidecar: sidecar.file }),
  };
}

/** Reads the file once. @throws FileChanged when it changes meanwhile, FileGone when it cannot be read to its end */
export async function hashFile(file: RecordingFile, onBytes: (count: number) => void): Promise<ManifestFile> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      onBytes(chunk.length);
    }
  } catch (error) {
    // What onBytes throws is the caller's own
    if (systemCode(error) === undefined) throw error;
    throw new FileGone(`${file.path} can no longer be read: ${messageOf(error)}`);
  }
  await assertUnchanged(file);
  const { name, size, camera, recordedAt, clockOffsetMs } = file;
  return { ...metadataIn(file), name, size, sha256: hash.digest('hex'), camera, recordedAt, clockOffsetMs };
}

/** @throws FileChanged when size or time of last change are not those that were described, FileGone */
export async function assertUnchanged(file: FileStamp): Promise<void> {
  await assertSame(file);
}

async function probed(path: string, known: RecordingMetadata, ffprobe: string | undefined): Promise<RecordingMetadata> {
  const isComplete = known.camera !== undefined && known.recordedAt !== undefined && known.gpsTrack !== undefined;
  return isComplete || ffprobe === 'off' ? {} : probeMetadata(path, ffprobe);
}

/** The members that are metadata and are given: commands pass all of their flags. */
function metadataIn(from: RecordingMetadata): RecordingMetadata {
  return Object.fromEntries(MEMBERS.flatMap((member) => (from[member] === undefined ? [] : [[member, from[member]]])));
}

/** As a manifest takes it: at most 255 bytes, none of them a control character or a backslash. */
function isAnnounceable(name: string): boolean {
  return !/[\\\p{Cc}]/u.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= 255;
}
