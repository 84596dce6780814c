import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyReceipt, type ManifestFile, type NoteVerifier } from '#tlog';
import type { DockClient, RemoteFile } from './dock-client.js';
import { messageOf, Refused, ServerUnreachable, type Problem } from './dock-faults.js';
import { missingParts, transfer } from './part-transfer.js';
import { writeWhole } from './pending-manifest.js';
import type { Progress } from './progress.js';
import type { RecordingFile } from './recording-file.js';

/** How one file ended. */
export interface FileOutcome {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  readonly state: 'sealed' | 'quarantined' | 'duplicate' | 'failed' | 'unreachable';
  readonly recording?: string;
  /** Path of the verified receipt. */
  readonly receipt?: string;
  /** Index of the sealing in the custody log, decimal. */
  readonly logIndex?: string;
  readonly sealedAt?: string;
  /** The recording that holds the same bytes already. */
  readonly duplicateOf?: string;
  /** Why it is not sealed, for a person. */
  readonly reason?: string;
  /** The server's problem document, where it sent one. */
  readonly problem?: Problem;
}

export interface LocalFile {
  readonly file: RecordingFile;
  readonly announced: ManifestFile;
}

export interface UploadOptions {
  readonly logKey: NoteVerifier;
  /** Folder for receipts; beside each file when left out. */
  readonly receipts?: string;
  /** How long to wait for a state to change once everything is sent. */
  readonly patienceMs: number;
  readonly progress: Progress;
}

const FIRST_POLL_MS = 200;
const LONGEST_POLL_MS = 2000;

/** Announces the manifest and brings each of its files to an end. Throws only where nothing can be said of single files. */
export async function uploadAll(
  client: DockClient,
  note: string,
  files: readonly LocalFile[],
  options: UploadOptions,
): Promise<FileOutcome[]> {
  const remotes = await announce(client, note, files);
  const ends: Promise<FileOutcome>[] = [];
  let gone: ServerUnreachable | undefined;
  for (const [index, local] of files.entries()) {
    let now = remotes[index];
    if (now === undefined) continue;
    // One file is sent at a time, four of its parts at once; the sealing of earlier ones goes on meanwhile
    if (now.state === 'receiving') now = await sendWhole(client, local, now, options, gone);
    // Patience is spent once, not again for each file that is left
    if (now.state === 'unreachable') gone = new ServerUnreachable('not tried, because the server was gone before');
    ends.push('file' in now ? Promise.resolve(now) : finish(client, local, now, options));
  }
  return Promise.all(ends);
}

async function announce(client: DockClient, note: string, files: readonly LocalFile[]): Promise<(RemoteFile | FileOutcome)[]> {
  try {
    const remotes = await client.announce(note);
    return files.map((local, index) => {
      const remote = remotes[index];
      if (remote?.sha256 === local.announced.sha256 && remote.size === local.announced.size) return remote;
      return outcome(local, { state: 'failed', reason: 'the server answered about other files than were announced' });
    });
  } catch (error) {
    if (error instanceof Refused && error.problem.type === 'urn:custodiet:duplicate-recording') {
      const { problem, message: reason } = error;
      const holders: unknown[] = Array.isArray(problem['recordings']) ? problem['recordings'] : [];
      return files.map((local, index) => {
        const holder = holders[index];
        return outcome(local, {
          state: 'duplicate',
          reason,
          problem,
          ...(typeof holder === 'string' ? { duplicateOf: holder } : {}),
        });
      });
    }
    if (error instanceof Refused || error instanceof ServerUnreachable) return files.map((local) => failure(local, error));
    throw error;
  }
}

async function sendWhole(
  client: DockClient,
  local: LocalFile,
  remote: RemoteFile,
  { progress }: UploadOptions,
  gone: ServerUnreachable | undefined,
): Promise<RemoteFile | FileOutcome> {
  if (gone !== undefined) return failure(local, gone, remote.recording);
  const what = `sending ${local.file.name}`;
  const missing = missingParts(remote).length;
  const left = Math.min(remote.size, missing * remote.partSize);
  if (remote.partsReceived.length > 0) progress.say(`resuming ${local.file.name}: ${String(missing)} parts are left`);
  progress.begin(what, remote.size, remote.size - left);
  try {
    return await transfer(client, local.file, remote, (count) => {
      progress.advance(what, count);
    });
  } catch (error) {
    return failure(local, error, remote.recording);
  }
}

/** From "everything is sent" to a verified receipt on disk. */
async function finish(client: DockClient, local: LocalFile, sent: RemoteFile, options: UploadOptions): Promise<FileOutcome> {
  try {
    const remote = await settled(client, sent, options.patienceMs);
    const { recording } = remote;
    switch (remote.state) {
      case 'sealed':
        return await keepReceipt(local, recording, await receiptOf(client, recording, options.patienceMs), options);
      case 'quarantined':
        return outcome(local, { state: 'quarantined', recording, reason: remote.reason ?? 'the server gave no reason' });
      case 'duplicate': {
        const duplicateOf = remote.duplicateOf === undefined ? {} : { duplicateOf: remote.duplicateOf };
        return outcome(local, { state: 'duplicate', recording, reason: 'the same file is held already', ...duplicateOf });
      }
      case 'receiving':
      case 'sealing':
        throw new ServerUnreachable(`the server has everything, but did not seal it in time`);
    }
  } catch (error) {
    return failure(local, error, sent.recording);
  }
}

async function settled(client: DockClient, sent: RemoteFile, patienceMs: number): Promise<RemoteFile> {
  const deadline = performance.now() + patienceMs;
  let remote = sent;
  for (let wait = FIRST_POLL_MS; remote.state === 'receiving' || remote.state === 'sealing'; wait = longer(wait)) {
    if (performance.now() > deadline) return remote;
    await delay(wait);
    remote = await client.state(sent.recording);
  }
  return remote;
}

async function receiptOf(client: DockClient, recording: string, patienceMs: number): Promise<string> {
  const deadline = performance.now() + patienceMs;
  for (let wait = FIRST_POLL_MS; ; wait = longer(wait)) {
    try {
      return await client.receipt(recording);
    } catch (error) {
      // Sealed, but the entry has no place in the log yet
      if (!(error instanceof Refused) || error.problem.status !== 409) throw error;
      if (performance.now() > deadline) throw new ServerUnreachable('it is sealed, but the receipt did not come in time');
      await delay(wait);
    }
  }
}

async function keepReceipt(local: LocalFile, recording: string, receipt: string, options: UploadOptions): Promise<FileOutcome> {
  const { sha256 } = local.announced;
  const { index, at } = verifyReceipt(receipt, { logKey: options.logKey, sha256, recording });
  const folder = options.receipts ?? dirname(local.file.path);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${recording}.receipt.json`);
  await writeWhole(path, receipt);
  return outcome(local, { state: 'sealed', recording, receipt: path, logIndex: String(index), sealedAt: at });
}

function failure(local: LocalFile, error: unknown, recording?: string): FileOutcome {
  const known = recording === undefined ? {} : { recording };
  const reason = messageOf(error);
  if (error instanceof ServerUnreachable) return outcome(local, { ...known, state: 'unreachable', reason });
  if (error instanceof Refused) return outcome(local, { ...known, state: 'failed', reason, problem: error.problem });
  return outcome(local, { ...known, state: 'failed', reason });
}

function outcome(local: LocalFile, end: Omit<FileOutcome, 'file' | 'size' | 'sha256'>): FileOutcome {
  return { file: local.file.path, size: local.announced.size, sha256: local.announced.sha256, ...end };
}

function longer(wait: number): number {
  return Math.min(LONGEST_POLL_MS, wait * 1.5);
}
