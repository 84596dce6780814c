import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clip } from '../../../../test/clips/synthesise.js';
import { synthesiseClip } from '../../../../test/clips/synthesise.js';
import type { MediaTools } from '../media-tools.js';

/** A folder of clips for one test file, and tools that work in it. */
export class ClipFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'custodiet-media-'));
  readonly tools: MediaTools = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', scratch: this.path, timeLimitSeconds: 60 };

  at(name: string): string {
    return join(this.path, name);
  }

  /** A small clip, so that the tests stay quick. */
  async clip(name: string, rest: Partial<Omit<Clip, 'out'>> = {}): Promise<string> {
    const out = this.at(name);
    await synthesiseClip(this.tools, { camera: 'BWC-1', seconds: 3, width: 320, height: 240, ...rest, out });
    return out;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Command lines of running processes that work in this folder. */
  async processes(): Promise<string[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    return lines.filter((line) => line.includes(this.path) && /ff(mpeg|probe)/.test(line));
  }
}

/** Waits for a condition, at most so long. */
export async function eventually(what: string, holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
