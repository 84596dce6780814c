import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseVerifier, TlogError, verifyReceipt, type NoteVerifier } from '#tlog';
import { dockPaths, readAcceptedConfig, type AcceptedConfig } from './dock-config.js';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';
import { Journal } from './journal.js';
import type { JournalEntry } from './journal-entry.js';

export interface ReceiptsFlags {
  readonly config: string;
  /** Folder of the journal, instead of the config's. */
  readonly state?: string;
  /** Instead of the pinned one. */
  readonly logKey?: string;
  readonly json?: boolean;
}

/** What one receipt was found to be worth, as `--json` prints it. */
export interface ReceiptVerdict {
  /** Path of the receipt. */
  readonly receipt: string;
  readonly verified: boolean;
  readonly recording?: string;
  readonly sha256?: string;
  readonly sealedAt?: string;
  /** Index in the custody log, decimal. */
  readonly logIndex?: string;
  /** Where the journal knows the file to have been. */
  readonly file?: string;
  /**
   * `matches`: read again whole, it is what was sealed. `erased`, `gone`: by this dock, or by somebody. `replaced`: the journal knows another file
   * under its name. `unknown`: the journal knows of no file. In all but the first and `differs` the receipt was checked alone.
   */
  readonly fileState?: 'matches' | 'differs' | 'erased' | 'gone' | 'replaced' | 'unknown';
  /** Why it is not verified. */
  readonly reason?: string;
}

const ENDING = '.receipt.json';
const MOST_BYTES = 1024 * 1024;

/**
 * Checks receipts, or all in folders and below, against the pinned log key and the files that they speak of. Without paths: those in the
 * config's folder, those that the journal names, and those that it named before it forgot them.
 * @returns the exit code: 0 all verified, 1 not all
 * @throws UsageFault when a path cannot be read or there is no receipt at all
 */
export async function verifyReceiptsCommand(paths: readonly string[], flags: ReceiptsFlags): Promise<number> {
  const config = await configFor(paths, flags);
  const logKey = pinned(flags.logKey ?? config?.logKey ?? '');
  const folders = config === undefined ? undefined : dockPaths(flags.config, config);
  const state = flags.state ?? folders?.state;
  const journal = state === undefined ? [] : await Journal.read(state, say);
  const kept = [folders?.receipts, state === undefined ? undefined : join(state, 'receipts')];
  const receipts = paths.length > 0 ? await receiptsUnder(paths.map((path) => resolve(path))) : await ownReceipts(kept, journal);
  if (receipts.length === 0) throw new UsageFault('There are no receipts to verify');
  let failed = 0;
  for (const receipt of receipts) {
    const verdict = await verdictOf(receipt, logKey, journal);
    if (!verdict.verified) failed += 1;
    process.stdout.write(`${flags.json === true ? JSON.stringify(verdict) : rowOf(verdict)}\n`);
  }
  if (flags.json !== true) say(`${String(receipts.length - failed)} of ${String(receipts.length)} receipts verified`);
  return failed === 0 ? 0 : 1;
}

/** One receipt against a file that is named. Answers the exit code: 0 verified, 1 not. @throws UsageFault when a file cannot be read */
export async function verifyReceiptCommand(
  receiptPath: string,
  flags: { readonly file: string; readonly logKey?: string; readonly config: string },
): Promise<number> {
  const logKey = pinned(flags.logKey ?? (await readAcceptedConfig(flags.config)).logKey);
  const receipt = await readable(receiptPath, () => readFile(receiptPath, 'utf8'));
  const sha256 = await readable(flags.file, () => sha256Of(flags.file));
  try {
    const { index, at, checkpoint } = verifyReceipt(receipt, { logKey, sha256 });
    process.stdout.write(
      `verified: ${flags.file} was sealed at ${at}, entry ${String(index)} of ${checkpoint.origin}, ` +
        `proven under a signed checkpoint of ${String(checkpoint.size)} entries\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    process.stdout.write(`NOT verified (${error.code}): ${error.message}\n`);
    return 1;
  }
}

/** Given receipts and a key, an outsider needs no config; then there is no journal either. */
async function configFor(paths: readonly string[], flags: ReceiptsFlags): Promise<AcceptedConfig | undefined> {
  if (paths.length === 0 || flags.logKey === undefined) return readAcceptedConfig(flags.config);
  return readAcceptedConfig(flags.config).catch(() => undefined);
}

async function verdictOf(receipt: string, logKey: NoteVerifier, journal: readonly JournalEntry[]): Promise<ReceiptVerdict> {
  try {
    const text = await receiptText(receipt);
    const { recording, sha256 } = claims(text);
    const { index, at } = verifyReceipt(text, { logKey, recording, sha256 });
    const proven = { receipt, recording, sha256, sealedAt: at, logIndex: String(index) };
    const entry = journal.find((each) => each.recording === recording);
    if (entry === undefined) return { ...proven, verified: true, fileState: 'unknown' };
    const fileState = await stateOf(entry, sha256, journal);
    if (fileState !== 'differs') return { ...proven, verified: true, file: entry.path, fileState };
    return {
      ...proven,
      verified: false,
      file: entry.path,
      fileState,
      reason: 'the bytes of the file are not those that were sealed',
    };
  } catch (error) {
    return { receipt, verified: false, reason: messageOf(error) };
  }
}

async function stateOf(
  entry: JournalEntry,
  sha256: string,
  journal: readonly JournalEntry[],
): Promise<NonNullable<ReceiptVerdict['fileState']>> {
  try {
    const now = await stat(entry.path);
    if (!now.isFile()) return 'differs';
    if ((await sha256Of(entry.path)) === sha256) return 'matches';
    // Cameras use their file names again, and the journal knows a file by its size and time of change too
    const stamp = { size: now.size, modifiedMs: Math.floor(now.mtimeMs) };
    const isAnother = ({ path, size, modifiedMs }: JournalEntry): boolean =>
      path === entry.path && size === stamp.size && modifiedMs === stamp.modifiedMs;
    return !isAnother(entry) && journal.some(isAnother) ? 'replaced' : 'differs';
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''))
      throw new Error(`${entry.path} cannot be read: ${messageOf(error)}`, { cause: error });
    return entry.state === 'erased' ? 'erased' : 'gone';
  }
}

/** What the receipt says it is about; verifyReceipt holds it to that. */
function claims(text: string): { recording: string; sha256: string } {
  const { recording, sha256 } = Object(parsed(text)) as { recording?: unknown; sha256?: unknown };
  if (typeof recording !== 'string' || typeof sha256 !== 'string') throw new Error('it is not a receipt');
  return { recording, sha256 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('it is not a receipt: it is not whole JSON', { cause });
  }
}

async function receiptText(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw new Error(systemCode(error) === 'ENOENT' ? 'the receipt is gone' : messageOf(error));
  });
  if (!found.isFile()) throw new Error('it is not a file');
  if (found.size > MOST_BYTES) throw new Error('it is larger than any receipt');
  return readFile(path, 'utf8');
}

async function receiptsUnder(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const { isFolder, isFile } = await readable(path, async () => {
      const there = await stat(path);
      return { isFolder: there.isDirectory(), isFile: there.isFile() };
    });
    if (!isFolder && !isFile) throw new UsageFault(`${path} is neither a receipt nor a folder`);
    found.push(...(isFile ? [path] : await readable(path, () => receiptsIn(path))));
  }
  return [...new Set(found)];
}

async function receiptsIn(folder: string): Promise<string[]> {
  const within = await readdir(folder, { recursive: true, withFileTypes: true });
  const receipts = within.filter((each) => each.isFile() && each.name.endsWith(ENDING));
  return receipts.map(({ parentPath, name }) => join(parentPath, name)).sort();
}

async function ownReceipts(folders: readonly (string | undefined)[], journal: readonly JournalEntry[]): Promise<string[]> {
  const kept = await Promise.all(folders.flatMap((folder) => (folder === undefined ? [] : [receiptsInOwn(folder)])));
  return [...new Set([...kept.flat(), ...journal.flatMap(({ receipt }) => receipt ?? [])])].sort();
}

/** None in a folder that nothing was put into yet. */
async function receiptsInOwn(folder: string): Promise<string[]> {
  return readable(folder, () =>
    receiptsIn(folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }),
  );
}

function rowOf({ receipt, verified, recording, sealedAt, logIndex, file, fileState, reason }: ReceiptVerdict): string {
  const words = {
    matches: '',
    differs: '',
    erased: ' (erased under this receipt, which was checked alone)',
    gone: ' (the file is gone; the receipt was checked alone)',
    replaced: ' (another file has its name now; the receipt was checked alone)',
    unknown: ' (no file is known to the journal; the receipt was checked alone)',
  };
  const row = verified
    ? `verified      ${recording ?? ''}  ${sealedAt ?? ''}  entry ${logIndex ?? ''}  ${file ?? receipt}${words[fileState ?? 'unknown']}`
    : `NOT verified  ${recording ?? '-'.repeat(36)}  ${receipt}${file === undefined ? '' : ` for ${file}`}: ${reason ?? ''}`;
  // A receipt that somebody made up may hold what would steer a terminal
  return row.replace(/\p{Cc}/gu, '?');
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

function pinned(vkey: string): NoteVerifier {
  try {
    return parseVerifier(vkey);
  } catch (error) {
    throw new UsageFault(`The log key is wrong: ${messageOf(error)}`);
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
