import { dirname, join } from 'node:path';
import { parseVerifier } from '#tlog';
import { Bandwidth } from './bandwidth.js';
import { capOf } from './bandwidth.rules.js';
import { Delivery } from './delivery.js';
import { DockClient } from './dock-client.js';
import { dockPaths, keyPath, readAcceptedConfig, type DockPaths } from './dock-config.js';
import { readDockKey } from './dock-key.js';
import { DurableWriter } from './durable-write.js';
import { Journal } from './journal.js';
import { Progress } from './progress.js';

/** What the command line says; it outweighs the config. */
export interface SessionFlags {
  readonly config: string;
  readonly state?: string;
  readonly receipts?: string;
  readonly parallelParts?: number;
  readonly parallelFiles?: number;
  /** MiB a second, over all files. */
  readonly bandwidth?: number;
  readonly eraseAfterReceipt?: boolean;
  readonly ffprobe?: string;
}

export interface SessionOptions {
  /** How long one call, one wait for a state and one full disk are waited for. */
  readonly patienceMs: number;
  /** Where receipts go when neither flag nor config says so. */
  readonly receipts: 'beside' | 'state';
  readonly signal: AbortSignal;
}

/** Everything that brings files in, put together, with the journal in hand. */
export interface DockSession {
  readonly journal: Journal;
  readonly delivery: Delivery;
  readonly progress: Progress;
  readonly paths: DockPaths;
  readonly receiptsFor: (path: string) => string;
  readonly ffprobe?: string;
  /** Whether files are erased once their receipts verify. */
  readonly erases: boolean;
}

/** @throws UsageFault when the config is wrong, JournalTaken. Whoever gets a session closes its journal. */
export async function openSession(flags: SessionFlags, { patienceMs, receipts, signal }: SessionOptions): Promise<DockSession> {
  const config = await readAcceptedConfig(flags.config);
  const paths = { ...dockPaths(flags.config, config), ...(flags.state === undefined ? {} : { state: flags.state }) };
  const key = await readDockKey(keyPath(flags.config, config));
  const logKey = parseVerifier(config.logKey);
  const progress = new Progress();
  let journal: Journal | undefined = undefined;
  const onTrouble = (sentence: string): void => {
    progress.trouble(sentence);
    journal?.trouble(sentence);
  };
  const say = (sentence: string): void => {
    progress.say(sentence);
  };
  const rate = flags.bandwidth ?? config.bandwidthMibPerSecond;
  const cap = rate === undefined ? undefined : capOf(rate);
  const erases = flags.eraseAfterReceipt ?? config.eraseAfterReceipt ?? false;
  const folder = flags.receipts ?? paths.receipts ?? (receipts === 'state' ? join(paths.state, 'receipts') : undefined);
  const receiptsFor = (path: string): string => folder ?? dirname(path);
  const pace = cap === undefined ? undefined : new Bandwidth(cap);
  const writer = new DurableWriter({ patienceMs, onTrouble, signal });
  journal = await Journal.open(paths.state, writer, say);
  const call = { server: config.server, dock: config.dock, key, audience: logKey.name, patienceMs, onTrouble, signal };
  const client = new DockClient({ ...call, ...(pace === undefined ? {} : { pace }) });
  const delivery = new Delivery(client, journal, writer, {
    dock: { id: config.dock, key },
    logKey,
    receiptsFor,
    patienceMs,
    parallelFiles: flags.parallelFiles ?? config.parallelFiles ?? 3,
    parallelParts: flags.parallelParts ?? config.parallelParts ?? 4,
    ...(cap === undefined ? {} : { cap }),
    erase: erases,
    progress,
    signal,
  });
  await delivery.settlement.finishErasures();
  const ffprobe = flags.ffprobe ?? paths.ffprobe;
  return { journal, delivery, progress, paths, receiptsFor, erases, ...(ffprobe === undefined ? {} : { ffprobe }) };
}
