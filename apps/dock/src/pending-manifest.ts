import { createHash, randomUUID, type KeyObject } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalize, signManifest, TlogError, type Json, type ManifestFile } from '#tlog';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';
import { dockSigner } from './dock-key.js';

/** A signed manifest and where it is kept until each of its files has come to an end. */
export interface PendingManifest {
  readonly note: string;
  readonly path: string;
}

const FIRST_LINE = 'custodiet/manifest/v1\n';

/**
 * The manifest for exactly these files: the one that an interrupted run left, so that the server sees the same announcement again
 * and resumes instead of receiving a second copy, else a new one, on disk before it is sent.
 */
export async function pendingManifest(
  folder: string,
  dock: { id: string; key: KeyObject },
  files: readonly ManifestFile[],
): Promise<PendingManifest> {
  const asked = canonicalize({ dock: dock.id, files: files.map((file) => JSON.parse(JSON.stringify(file)) as Json) });
  const path = join(folder, `${createHash('sha256').update(asked).digest('hex')}.note`);
  const earlier = await readNote(path);
  if (earlier !== undefined) return { note: earlier, path };
  const note = signed(dock, files);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeWhole(path, note);
  return { note, path };
}

export async function forgetManifest(pending: PendingManifest): Promise<void> {
  await rm(pending.path, { force: true });
}

/** Puts a copy where the user asked for one. @throws UsageFault when something that is no manifest is there already */
export async function keepCopy(path: string, note: string): Promise<void> {
  const there = await readNote(path);
  // "--manifest clip.mp4" takes the video for the place to write to: it must not become one
  if (there !== undefined && !there.startsWith(FIRST_LINE)) {
    throw new UsageFault(
      `${path} exists and is no manifest, so it is not overwritten. Write the files before --manifest, or name another path`,
    );
  }
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, note);
}

/** Written beside and renamed into place, so that a power cut never leaves half a file under the name. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${String(process.pid)}.part`;
  await writeFile(unfinished, text, { flush: true });
  await rename(unfinished, path);
}

function signed(dock: { id: string; key: KeyObject }, files: readonly ManifestFile[]): string {
  try {
    const manifest = { id: randomUUID(), dock: dock.id, createdAt: new Date().toISOString(), files };
    return signManifest(manifest, dockSigner(dock.id, dock.key));
  } catch (error) {
    if (error instanceof TlogError) throw new UsageFault(`These files cannot be announced: ${error.message}`);
    throw error;
  }
}

async function readNote(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  }
}
