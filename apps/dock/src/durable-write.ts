import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, ServerUnreachable, systemCode } from './dock-faults.js';

const UNFINISHED = /\.\d+\.part$/;
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

/**
 * Written beside, brought to the disk and renamed into place, and the folder brought to the disk too: after a power cut there is
 * the old text or the new one, and the new one if this returned.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${String(process.pid)}.part`;
  try {
    await writeFile(unfinished, text, { flush: true });
    await rename(unfinished, path);
  } catch (error) {
    // On a full disk the half-written file would hold the very room that is missing
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Deletes what writes left that a power cut broke off. Only for a folder in which nothing else writes. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (UNFINISHED.test(name)) await rm(join(folder, name), { force: true });
}

/** A rename is on the disk only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems of memory cards cannot bring a folder to the disk: theirs are written through
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

export interface WriterOptions {
  /** How long a full disk is waited for, counted from the first failure of a write. */
  readonly patienceMs: number;
  readonly onTrouble: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/** Durable writes that wait for room on a full disk instead of failing: what is under way stays as it is and goes on when there is room. */
export class DurableWriter {
  private gaveUp = false;

  constructor(private readonly options: WriterOptions) {}

  /** @throws ServerUnreachable when there was no room for as long as patience lasted: the command may be run again later */
  async write(path: string, text: string): Promise<void> {
    const { patienceMs, onTrouble, signal } = this.options;
    let deadline: number | undefined;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeDurably(path, text);
        this.gaveUp = false;
        return;
      } catch (error) {
        if (!isNoRoom(error)) throw error;
        const now = performance.now();
        deadline ??= now + patienceMs;
        const sentence = `the disk of this dock is full: ${dirname(path)} has no room (${messageOf(error).split(',')[0] ?? ''})`;
        // Patience is spent once, not again for each file that is left
        this.gaveUp ||= now + wait > deadline;
        if (this.gaveUp) throw new ServerUnreachable(sentence);
        onTrouble(`${sentence}; nothing is lost, going on when there is room`);
        await delay(wait, undefined, signal === undefined ? {} : { signal });
      }
    }
  }
}

export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.includes(systemCode(error) ?? '');
}
