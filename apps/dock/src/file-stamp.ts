import { stat } from 'node:fs/promises';
import { FileChanged, FileGone, messageOf } from './dock-faults.js';
import type { FileStamp } from './journal-entry.js';

/** @throws FileGone when it cannot be read, or is no plain file */
export async function stampOf(path: string): Promise<FileStamp> {
  const found = await stat(path).catch((error: unknown) => {
    throw new FileGone(`${path} cannot be read: ${messageOf(error)}`);
  });
  if (!found.isFile()) throw new FileGone(`${path} cannot be read: it is not a file`);
  return { path, size: found.size, modifiedMs: Math.floor(found.mtimeMs) };
}

/** @throws FileChanged when its size or time of change are others now, FileGone */
export async function assertSame({ path, size, modifiedMs }: FileStamp): Promise<void> {
  const now = await stampOf(path);
  if (now.size === size && now.modifiedMs === modifiedMs) return;
  throw new FileChanged(`${path} changed while it was being read: upload it again once nothing writes to it`);
}
