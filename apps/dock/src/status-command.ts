import { resolve } from 'node:path';
import { dockPaths, readAcceptedConfig } from './dock-config.js';
import { Journal } from './journal.js';
import type { JournalEntry } from './journal-entry.js';
import { percentOf, statusTable } from './status-table.rules.js';

export interface StatusFlags {
  readonly config: string;
  readonly state?: string;
  readonly json?: true;
  /** Also those that came to their end. */
  readonly all?: true;
}

const DONE: readonly JournalEntry['state'][] = ['sealed', 'erased', 'duplicate', 'changed'];

/** What the journal says, without disturbing whoever works on it. Answers the exit code: 1 when a file stopped, for a person to look at. */
export async function statusCommand(flags: StatusFlags): Promise<number> {
  const folder =
    flags.state === undefined ? dockPaths(flags.config, await readAcceptedConfig(flags.config)).state : resolve(flags.state);
  const all = await Journal.read(folder, (sentence) => process.stderr.write(`${sentence}\n`));
  const entries = all
    .filter(({ state, trouble }) => flags.all === true || !DONE.includes(state) || (state === 'sealed' && trouble !== undefined))
    .sort((one, other) => one.since.localeCompare(other.since) || one.path.localeCompare(other.path));
  if (flags.json === true) for (const entry of entries) process.stdout.write(`${JSON.stringify(statusOf(entry))}\n`);
  else process.stdout.write(statusTable(entries));
  return entries.some(({ state }) => state === 'stopped') ? 1 : 0;
}

function statusOf(entry: JournalEntry): Record<string, unknown> {
  const { path, size, state, file, recording, since, trouble, receipt, attempts, foundAt, sealedAt, logIndex, duplicateOf } =
    entry;
  const { sha256, camera, flagged, recordedAt } = file ?? {};
  return {
    ...{ file: path, state, percent: percentOf(entry), size, sha256, camera, flagged, recordedAt, recording },
    ...{ since, foundAt, attempts, trouble, receipt, sealedAt, logIndex, duplicateOf },
  };
}
