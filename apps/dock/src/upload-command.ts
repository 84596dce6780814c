import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseVerifier } from '#tlog';
import { DockClient } from './dock-client.js';
import { keyPath, readAcceptedConfig } from './dock-config.js';
import { FileFault, messageOf, UsageFault } from './dock-faults.js';
import { readDockKey } from './dock-key.js';
import { forgetManifest, keepCopy, pendingManifest } from './pending-manifest.js';
import { Progress } from './progress.js';
import { describeFile, hashFile, type RecordingFile, type StatedMetadata } from './recording-file.js';
import { uploadAll, type FileOutcome, type LocalFile } from './upload.js';

export interface UploadFlags extends StatedMetadata {
  readonly config: string;
  /** A path, or true for the default one beside the first file. */
  readonly manifest?: string | true;
  readonly receipts?: string;
  readonly json?: true;
  /** Seconds. */
  readonly patience: number;
}

/** Answers the exit code. @throws UsageFault before anything is sent */
export async function uploadCommand(paths: readonly string[], flags: UploadFlags): Promise<number> {
  const config = await readAcceptedConfig(flags.config);
  const key = await readDockKey(keyPath(flags.config, config));
  const logKey = parseVerifier(config.logKey);
  const files = await describeAll(paths, flags);
  await assertReceiptsFit(files, flags.receipts);

  const progress = new Progress();
  const { hashed, broken } = await hashAll(files, progress);
  const [first] = hashed;
  if (first === undefined) return report(broken, flags.json === true);

  const announced = hashed.map((local) => local.announced);
  const pending = await pendingManifest(join(dirname(flags.config), 'pending'), { id: config.dock, key }, announced);
  if (flags.manifest !== undefined) {
    await keepCopy(flags.manifest === true ? `${first.file.path}.manifest.note` : flags.manifest, pending.note);
  }
  const patienceMs = flags.patience * 1000;
  const client = new DockClient({
    server: config.server,
    dock: config.dock,
    key,
    audience: logKey.name,
    patienceMs,
    onTrouble: (sentence) => {
      progress.trouble(sentence);
    },
  });
  const receipts = flags.receipts === undefined ? {} : { receipts: flags.receipts };
  const outcomes = await uploadAll(client, pending.note, hashed, { logKey, patienceMs, progress, ...receipts });
  if (outcomes.every(isFinal)) await forgetManifest(pending);
  return report([...broken, ...outcomes], flags.json === true);
}

/** Nothing would be gained by announcing the same manifest again. */
function isFinal({ state, recording, problem }: FileOutcome): boolean {
  if (state === 'sealed' || state === 'quarantined' || state === 'duplicate') return true;
  // Without a recording it was the manifest itself that was refused. A part that was refused may be accepted in a later run
  return recording === undefined && (problem?.status === 400 || problem?.status === 422);
}

async function describeAll(paths: readonly string[], flags: StatedMetadata): Promise<RecordingFile[]> {
  const faults: string[] = [];
  const files: RecordingFile[] = [];
  for (const path of new Set(paths.map((each) => resolve(each)))) {
    try {
      files.push(await describeFile(path, flags));
    } catch (error) {
      if (!(error instanceof UsageFault)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) throw new UsageFault(faults.join('\n'));
  return files;
}

/** Better said before the first byte than after the last: a camera may be mounted read-only. */
async function assertReceiptsFit(files: readonly RecordingFile[], receipts: string | undefined): Promise<void> {
  const folders = new Set(receipts === undefined ? files.map(({ path }) => dirname(path)) : [receipts]);
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
    } catch (error) {
      throw new UsageFault(`Receipts cannot be written to ${folder}, name a folder with --receipts: ${messageOf(error)}`);
    }
  }
}

async function hashAll(
  files: readonly RecordingFile[],
  progress: Progress,
): Promise<{ hashed: LocalFile[]; broken: FileOutcome[] }> {
  const hashed: LocalFile[] = [];
  const broken: FileOutcome[] = [];
  for (const file of files) {
    const what = `hashing ${file.name}`;
    progress.begin(what, file.size);
    try {
      const announced = await hashFile(file, (count) => {
        progress.advance(what, count);
      });
      hashed.push({ file, announced });
    } catch (error) {
      if (!(error instanceof FileFault)) throw new UsageFault(`${file.path} cannot be read: ${messageOf(error)}`);
      broken.push({ file: file.path, size: file.size, sha256: '', state: 'failed', reason: error.message });
    }
  }
  return { hashed, broken };
}

function report(outcomes: readonly FileOutcome[], json: boolean): number {
  for (const outcome of outcomes) process.stdout.write(`${json ? JSON.stringify(outcome) : sentenceFor(outcome)}\n`);
  if (outcomes.every(({ state }) => state === 'sealed')) return 0;
  // Trying again settles what is settled already and says the same refusals again, so it is the better advice
  return outcomes.some(({ state }) => state === 'unreachable') ? 75 : 1;
}

function sentenceFor({ file, state, recording, receipt, duplicateOf, reason = '' }: FileOutcome): string {
  switch (state) {
    case 'sealed':
      return `${file}: sealed as recording ${String(recording)}, receipt verified and kept at ${String(receipt)}`;
    case 'quarantined':
      return `${file}: quarantined as recording ${String(recording)}: ${reason}`;
    case 'duplicate':
      return `${file}: refused, held already${duplicateOf === undefined ? '' : ` as recording ${duplicateOf}`}: ${reason}`;
    case 'failed':
      return `${file}: failed, kept here: ${reason}`;
    case 'unreachable':
      return `${file}: not finished, run the same command again later: ${reason}`;
  }
}
