import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { extensionsIn } from './arrivals.rules.js';
import { dockPaths, readAcceptedConfig } from './dock-config.js';
import { UsageFault } from './dock-faults.js';
import { openSession, type SessionFlags } from './dock-session.js';
import { FolderWatch } from './folder-watch.js';
import type { StatedMetadata } from './recording-file.js';

export interface WatchFlags extends SessionFlags, StatedMetadata {
  /** Seconds that a file has to look the same. */
  readonly settle: number;
  /** Extensions. */
  readonly match: string;
  readonly once?: true;
  readonly retryStopped?: true;
}

const LONGEST_LOOK_MS = 2000;
const PRUNE_EVERY_MS = 24 * 3600 * 1000;
/** After that an answer that is still on its way is not waited for: everything is resumable. */
const END_WITHIN_MS = 10_000;

/** Runs until it is told to end, or with `once` until everything found has come to its end. Answers the exit code. */
export async function watchCommand(folders: readonly string[], flags: WatchFlags): Promise<number> {
  const config = await readAcceptedConfig(flags.config);
  const roots = folders.length > 0 ? folders.map((each) => resolve(each)) : dockPaths(flags.config, config).watch;
  if (roots.length === 0) throw new UsageFault('Name the folders to watch, or write them as "watch" into the config');
  const extensions = extensionsIn(flags.match);
  if (extensions.length === 0) throw new UsageFault('--match names no extension');

  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  for (const root of roots) if (!(await exists(root))) process.stderr.write(`${root} is not there yet; waiting for it\n`);
  const session = await openSession(flags, { patienceMs: Infinity, receipts: 'state', signal: ending.signal });
  const settleMs = flags.settle * 1000;
  const watch = new FolderWatch(session, { roots, extensions, settleMs, stated: flags, signal: ending.signal });
  try {
    if (flags.retryStopped === true) await watch.retryStopped();
    session.progress.say(`watching ${roots.join(', ')}`);
    let prunedAt = Date.now();
    const everyMs = Math.min(LONGEST_LOOK_MS, Math.max(200, settleMs / 2));
    for (;;) {
      const isIdle = await watch.look();
      if (isIdle && flags.once === true) return watch.isAllSealed ? 0 : 1;
      if (Date.now() - prunedAt >= PRUNE_EVERY_MS) await watch.forgetSettled((prunedAt = Date.now()));
      await delay(everyMs, undefined, { signal: ending.signal });
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    session.progress.say('ending; what is under way goes on at the next start');
    return 0;
  } finally {
    // Whoever started it starts it again when it did not end because it was told to
    const code = ending.signal.aborted || flags.once === true ? process.exitCode : 1;
    ending.abort();
    const impatience = setTimeout(() => process.exit(code), END_WITHIN_MS);
    await watch.ended();
    await session.journal.close();
    clearTimeout(impatience);
    process.off('SIGTERM', end).off('SIGINT', end);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
