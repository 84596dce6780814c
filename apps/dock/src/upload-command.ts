import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, ServerUnreachable, systemCode, UsageFault } from './dock-faults.js';
import { openSession, type DockSession, type SessionFlags } from './dock-session.js';
import { writeDurably } from './durable-write.js';
import { sentenceFor, type FileOutcome } from './file-outcome.js';
import { keyOf, type JournalEntry } from './journal-entry.js';
import { describeFile, type RecordingFile, type StatedMetadata } from './recording-file.js';

export interface UploadFlags extends SessionFlags, StatedMetadata {
  /** A path, or true for the default one beside the first file. */
  readonly manifest?: string | true;
  readonly json?: true;
  /** Seconds. */
  readonly patience: number;
}

const MANIFEST_FIRST_LINE = 'custodiet/manifest/v1\n';

/**
 * Answers the exit code. The files are announced under one manifest, or a few where they are many, signed once all are read; a file that an earlier run announced keeps the
 * manifest of that run, whatever it is named together with today. @throws UsageFault before anything is sent, ServerUnreachable when
 * the disk stayed full: nothing was lost, and nothing can be begun
 */
export async function uploadCommand(paths: readonly string[], flags: UploadFlags): Promise<number> {
  const signal = new AbortController().signal;
  const session = await openSession(flags, { patienceMs: flags.patience * 1000, receipts: 'beside', signal });
  try {
    const files = await describeAll(paths, flags, session);
    await assertReceiptsFit(files, session);
    const read = await readAll(files, session);
    const entries = read.flatMap((each) => ('entry' in each ? [each.entry] : []));
    await session.delivery.announcements.sign(entries.filter(({ state }) => state === 'waiting'));
    if (flags.manifest !== undefined) await keepManifest(flags.manifest, entries, session);
    const outcomes = await Promise.all(
      read.map(async (each) => ('entry' in each ? session.delivery.deliver(keyOf(each.entry)) : each.outcome)),
    );
    return report(outcomes, flags.json === true);
  } finally {
    await session.journal.close();
  }
}

async function describeAll(paths: readonly string[], flags: UploadFlags, { ffprobe }: DockSession): Promise<RecordingFile[]> {
  const faults: string[] = [];
  const files: RecordingFile[] = [];
  for (const path of new Set(paths.map((each) => resolve(each)))) {
    try {
      files.push(await describeFile(path, flags, ffprobe === undefined ? {} : { ffprobe }));
    } catch (error) {
      if (!(error instanceof UsageFault)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) throw new UsageFault(faults.join('\n'));
  return files;
}

/** Better said before the first byte than after the last: a camera may be mounted read-only. */
async function assertReceiptsFit(files: readonly RecordingFile[], { receiptsFor }: DockSession): Promise<void> {
  for (const folder of new Set(files.map(({ path }) => receiptsFor(path)))) {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
    } catch (error) {
      throw new UsageFault(`Receipts cannot be written to ${folder}, name a folder with --receipts: ${messageOf(error)}`);
    }
  }
}

type Read = { readonly entry: JournalEntry } | { readonly outcome: FileOutcome };

async function readAll(files: readonly RecordingFile[], { journal, delivery }: DockSession): Promise<Read[]> {
  const reading = files.map(async (file): Promise<Read> => {
    const key = keyOf(file);
    const known = journal.get(key);
    // A person asks for it, so what stopped or ended otherwise than sealed is looked at again, under the same manifest if there is one
    if (known?.state === 'sealed' && (await isReadable(known.receipt))) return { entry: known };
    try {
      await supersede(file, journal);
      return { entry: await delivery.hash(file) };
    } catch (error) {
      if (error instanceof ServerUnreachable) throw error;
      return { outcome: await delivery.conclude(key, error) };
    }
  });
  return Promise.all(reading);
}

async function isReadable(path = ''): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** What the journal knows under this name and with another stamp is there no more. */
async function supersede({ path, size, modifiedMs }: RecordingFile, journal: DockSession['journal']): Promise<void> {
  for (const entry of journal.superseded({ path, size, modifiedMs })) {
    await journal.update(keyOf(entry), { state: 'changed', trouble: 'there is another file under its name now' });
  }
}

/** Puts a copy where the user asked for one; where there are several, under that name with -2, -3… behind it. @throws UsageFault */
async function keepManifest(where: string | true, entries: readonly JournalEntry[], { journal }: DockSession): Promise<void> {
  const notes = entries.flatMap(({ file, spent }) => (file === undefined ? [] : (journal.noteFor(file, spent)?.text ?? [])));
  const path = where === true ? `${entries[0]?.path ?? ''}.manifest.note` : resolve(where);
  for (const [index, note] of [...new Set(notes)].entries())
    await copyManifest(note, index === 0 ? path : `${path}-${String(index + 1)}`);
}

/** @throws UsageFault when something that is no manifest is there already */
async function copyManifest(note: string, path: string): Promise<void> {
  const there = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  });
  // "--manifest clip.mp4" takes the video for the place to write to: it must not become one
  if (there !== undefined && !there.startsWith(MANIFEST_FIRST_LINE)) {
    throw new UsageFault(
      `${path} exists and is no manifest, so it is not overwritten. Write the files before --manifest, or name another path`,
    );
  }
  await mkdir(dirname(path), { recursive: true });
  await writeDurably(path, note);
}

function report(outcomes: readonly FileOutcome[], json: boolean): number {
  for (const outcome of outcomes) process.stdout.write(`${json ? JSON.stringify(outcome) : sentenceFor(outcome)}\n`);
  if (outcomes.every(({ state }) => state === 'sealed')) return 0;
  // Trying again settles what is settled already and says the same refusals again, so it is the better advice
  return outcomes.some(({ state }) => state === 'unreachable') ? 75 : 1;
}
