import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const MOST_SPARES = 3;
const KEPT_MS = 30_000;

/**
 * Files that jobs have done with, to be written over by the next ones: getting new memory and disk blocks for gigabytes takes longer than
 * reading them from the store, and a burst is one file after another. What was not taken up after half a minute is removed.
 */
export class SpareFiles {
  private readonly spares: string[] = [];
  private readonly given = new Map<string, string>();
  private arriving = 0;
  private made = 0;
  private ending: NodeJS.Timeout | undefined;

  /** @param folder where they wait; it exists once a job runs */
  constructor(private readonly folder: string) {}

  /** A file at `path` for writing from its beginning; what it held before may still be in it, so it is cut to its new length at the end. */
  async open(path: string): Promise<FileHandle> {
    clearTimeout(this.ending);
    const spare = this.spares.pop();
    if (spare !== undefined) await rename(spare, path);
    this.given.set(path, dirname(path));
    return open(path, spare === undefined ? 'wx' : 'r+', 0o600);
  }

  /** Takes back the files that were given out into `jobFolder`. */
  async keep(jobFolder: string): Promise<void> {
    for (const [path, folder] of this.given) {
      if (folder !== jobFolder) continue;
      this.given.delete(path);
      if (this.spares.length + this.arriving >= MOST_SPARES) continue;
      this.arriving += 1;
      const spare = join(this.folder, `spare-${(this.made += 1)}`);
      // A job that never came to write has none to give back.
      await rename(path, spare).then(
        () => this.spares.push(spare),
        () => undefined,
      );
      this.arriving -= 1;
    }
    clearTimeout(this.ending);
    this.ending = setTimeout(() => void this.remove(), KEPT_MS).unref();
  }

  /** Gives up all that wait. */
  async remove(): Promise<void> {
    await Promise.all(this.spares.splice(0).map((spare) => rm(spare, { force: true })));
  }
}
