import { rm } from 'node:fs/promises';
import type { PlaybackFile } from './playback.js';
import type { Track } from './playback-track.js';

const AT_ONCE = 2;

/** Gives files away, two at a time, and removes them. */
export class HandingOver {
  private busy = 0;
  private readonly waiting: (() => void)[] = [];
  /** Whoever waits for the takers to catch up. */
  private readonly held: (() => void)[] = [];

  constructor(
    private readonly take: ((file: PlaybackFile) => Promise<void>) | undefined,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.release(), { once: true });
  }

  /** Resolves when it has been taken. @throws what the taker threw; the signal's reason */
  async over(file: PlaybackFile): Promise<void> {
    if (this.take === undefined) return;
    while (this.busy >= AT_ONCE) await new Promise<void>((free) => this.waiting.push(free));
    this.busy += 1;
    try {
      this.signal.throwIfAborted();
      await this.take(file);
      await rm(file.path, { force: true });
    } finally {
      this.busy -= 1;
      this.waiting.shift()?.();
      this.release();
    }
  }

  /** Resolves when no track has many complete segments waiting, or when all is to stop. */
  async caughtUp(tracks: readonly Track[]): Promise<void> {
    if (this.take === undefined) return;
    while (!this.signal.aborted && (await anyBehind(tracks))) await new Promise<void>((moved) => this.held.push(moved));
  }

  private release(): void {
    for (const go of this.held.splice(0)) go();
  }
}

async function anyBehind(tracks: readonly Track[]): Promise<boolean> {
  for (const track of tracks) if (await track.isBehind()) return true;
  return false;
}
