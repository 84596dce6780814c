import { readFile } from 'node:fs/promises';
import { parseVerifier, TlogError, type LogTrust, type NoteVerifier, type WitnessPolicy } from '#tlog';
import { replayLog } from './log-replay.js';
import { LogUnreadable, logSource, type LogSource } from './log-source.js';
import type { LogResult } from './log-text.js';
import { progressBar } from './progress-bar.js';

const KEYS_BYTES = 1 << 16;
const NO_WITNESS: Omit<WitnessPolicy, 'logKeys'> = { witnesses: [], quorum: { group: 'none', atLeast: 0, of: [] } };

/**
 * Replays the log at an address or in a folder. `token` is an auditor's, or names a file that holds it.
 * @throws LogUnreadable when it cannot be read, or there is no key to open its checkpoint with
 */
export async function checkLog(log: string, given: LogTrust, token: string | undefined): Promise<LogResult> {
  const source = logSource(log, token === undefined ? undefined : await readToken(token));
  const logKeysPinned = given.logKey !== undefined || (given.policy?.logKeys ?? []).length > 0;
  const trust = logKeysPinned ? given : { policy: { ...(given.policy ?? NO_WITNESS), logKeys: await ownKeys(source) } };
  const logKeys = trust.logKey === undefined ? (trust.policy?.logKeys ?? []) : [trust.logKey];
  const bar = progressBar(process.stderr);
  try {
    const verdict = await replayLog(source, trust, bar.show);
    return { log, verdict, logKeys: logKeys.map(({ vkey }) => vkey), logKeysPinned };
  } finally {
    bar.clear();
  }
}

async function readToken(given: string): Promise<string> {
  const token = (await readFile(given, 'utf8').catch(() => given)).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new LogUnreadable('--token is neither a token nor a file that holds one.');
  return token;
}

/** The keys that the log states itself, one a line. */
async function ownKeys(source: LogSource): Promise<NoteVerifier[]> {
  const bytes = await source.read('keys', KEYS_BYTES);
  if (bytes === undefined) throw new LogUnreadable(`${source.name} holds no keys: give the key of the log with --log-key.`);
  const lines = Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length === 0) throw new LogUnreadable(`${source.name} names no key: give the key of the log with --log-key.`);
  try {
    return lines.map(parseVerifier);
  } catch (error) {
    if (error instanceof TlogError) throw new LogUnreadable(`The keys of ${source.name} cannot be read. (${error.message})`);
    throw error;
  }
}
