import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isVideo } from './arrivals.rules.js';
import { messageOf, systemCode } from './dock-faults.js';
import type { FileStamp } from './journal-entry.js';
import { sidecarPaths } from './sidecar.js';

export interface Found extends FileStamp {
  /** Changes when a sidecar is written, changed or deleted. */
  readonly sidecars: string;
}

/**
 * The videos in folders and below, as they are now. A folder that is not there holds none: the camera is out. Links are not followed, so that
 * nothing outside the folders is ever announced.
 * @param say told what cannot be read, other than that it is not there
 */
export async function scanFolders(
  folders: readonly string[],
  extensions: readonly string[],
  say: (sentence: string) => void,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const folder of folders) {
    // The folder itself may be a link: it was named by whoever runs the dock
    const real = await orGone(folder, say, () => realpath(folder));
    if (real !== undefined) await scan(real, extensions, say, found);
  }
  return found;
}

async function scan(
  folder: string,
  extensions: readonly string[],
  say: (sentence: string) => void,
  found: Map<string, Found>,
): Promise<void> {
  await orGone(folder, say, async () => {
    for await (const each of await opendir(folder)) {
      const path = join(folder, each.name);
      if (each.isDirectory() && !each.name.startsWith('.')) await scan(path, extensions, say, found);
      if (!each.isFile() || !isVideo(each.name, extensions)) continue;
      const file = await orGone(path, say, () => look(path));
      if (file !== undefined) found.set(path, file);
    }
  });
}

async function look(path: string): Promise<Found> {
  const { size, mtimeMs } = await stat(path);
  const sidecars = await Promise.all(
    sidecarPaths(path).map(async (each) =>
      stat(each).then(
        (there) => `${String(there.size)} ${String(there.mtimeMs)}`,
        () => '-',
      ),
    ),
  );
  return { path, size, modifiedMs: Math.floor(mtimeMs), sidecars: sidecars.join() };
}

async function orGone<T>(path: string, say: (sentence: string) => void, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ENODEV'].includes(systemCode(error) ?? '')) say(`${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}
