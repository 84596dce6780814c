import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ManifestFile } from '#tlog';
import { FileFault, messageOf, systemCode, UsageFault } from './dock-faults.js';

/** What the command line says about all files at once. It outweighs a file's own sidecar. */
export interface StatedMetadata {
  readonly camera?: string;
  readonly officer?: string;
  readonly recordedAt?: string;
  readonly clockOffsetMs?: number;
}

/** A video on this dock, with what the manifest will say about it except its hash. */
export interface RecordingFile extends Required<StatedMetadata> {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  /** Tells whether the file is still the one that was hashed. */
  readonly modifiedMs: number;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Reads the file's stamp and, from `FILE.json` beside it, what the command line left out: { camera, officer, recordedAt, clockOffsetMs }.
 * Without a recorded-at anywhere it is the time of the file's last change.
 * @throws UsageFault
 */
export async function describeFile(path: string, stated: StatedMetadata): Promise<RecordingFile> {
  const { size, modifiedMs } = await stamp(path).catch((error: unknown) => {
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  });
  const known = { ...(await readSidecar(`${path}.json`)), ...stated };
  const missing = (['camera', 'officer'] as const).filter((field) => known[field] === undefined);
  if (known.camera === undefined || known.officer === undefined) {
    const flags = missing.map((field) => `--${field}`).join(' and ');
    throw new UsageFault(
      `${path}: its ${missing.join(' and ')} is not known. Give ${flags}, or write ${basename(path)}.json beside it`,
    );
  }
  return {
    path,
    name: basename(path),
    size,
    modifiedMs,
    camera: known.camera,
    officer: known.officer,
    recordedAt: known.recordedAt ?? new Date(modifiedMs).toISOString(),
    clockOffsetMs: known.clockOffsetMs ?? 0,
  };
}

/** Any RFC 3339 time as UTC with milliseconds. @throws UsageFault */
export function utcInstant(text: string): string {
  const at = RFC3339.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(at.getTime())) throw new UsageFault(`"${text}" is not a time such as 2026-11-20T10:30:00Z`);
  return at.toISOString();
}

/** Reads the file once. @throws FileFault when it changes meanwhile */
export async function hashFile(file: RecordingFile, onBytes: (count: number) => void): Promise<ManifestFile> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  await assertUnchanged(file);
  const { name, size, camera, officer, recordedAt, clockOffsetMs } = file;
  return { name, size, sha256: hash.digest('hex'), camera, officer, recordedAt, clockOffsetMs };
}

/** @throws FileFault when size or time of last change are not those that were described */
export async function assertUnchanged(file: RecordingFile): Promise<void> {
  const now = await stamp(file.path).catch((error: unknown) => {
    throw new FileFault(`${file.path} can no longer be read: ${messageOf(error)}`);
  });
  if (now.size !== file.size || now.modifiedMs !== file.modifiedMs) {
    throw new FileFault(`${file.path} changed while it was being read: upload it again once nothing writes to it`);
  }
}

async function stamp(path: string): Promise<{ size: number; modifiedMs: number }> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error('it is not a file');
  return { size: found.size, modifiedMs: Math.floor(found.mtimeMs) };
}

async function readSidecar(path: string): Promise<StatedMetadata> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return {};
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  }
  return sidecarOf(text, path);
}

function sidecarOf(text: string, path: string): StatedMetadata {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageFault(`${path} is not JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UsageFault(`${path} is not a JSON object`);
  const { camera, officer, recordedAt, clockOffsetMs, ...unknown } = value as Record<string, unknown>;
  // A misspelt field left aside would put a guessed time or a zero offset under the dock's signature
  const strange = Object.keys(unknown);
  if (strange.length > 0) throw new UsageFault(`${path} has fields that are not known: ${strange.join(', ')}`);
  for (const [field, given] of Object.entries({ camera, officer, recordedAt })) {
    if (given !== undefined && typeof given !== 'string') throw new UsageFault(`${path}: "${field}" must be a text`);
  }
  if (clockOffsetMs !== undefined && !Number.isSafeInteger(clockOffsetMs)) {
    throw new UsageFault(`${path}: "clockOffsetMs" must be a whole number of milliseconds`);
  }
  return {
    ...(typeof camera === 'string' ? { camera } : {}),
    ...(typeof officer === 'string' ? { officer } : {}),
    ...(typeof recordedAt === 'string' ? { recordedAt: utcInstant(recordedAt) } : {}),
    ...(typeof clockOffsetMs === 'number' ? { clockOffsetMs } : {}),
  };
}
