import { TlogError, type ManifestFile } from '#tlog';
import { Announcements, type AnnouncedFile } from './announcements.js';
import { inFlightOf, type Cap } from './bandwidth.rules.js';
import type { DockClient, RemoteFile } from './dock-client.js';
import { FileChanged, FileFault, FileGone, messageOf, Refused, ServerUnreachable, UploadExpired } from './dock-faults.js';
import type { DurableWriter } from './durable-write.js';
import { outcomeOf, type FileOutcome } from './file-outcome.js';
import { assertSame } from './file-stamp.js';
import type { Journal } from './journal.js';
import { keyOf, type JournalEntry } from './journal-entry.js';
import type { SigningDock } from './manifest-signing.js';
import { PartBuffers, receivedBytes, transfer } from './part-transfer.js';
import { hashFile, type RecordingFile } from './recording-file.js';
import { Settlement, type SettlementOptions } from './settlement.js';
import { Turns } from './turns.js';
import { urgencyOf } from './urgency.rules.js';

export interface DeliveryOptions extends SettlementOptions {
  readonly dock: SigningDock;
  readonly parallelFiles: number;
  /** Over all files. */
  readonly parallelParts: number;
  readonly cap?: Cap;
  readonly erase: boolean;
}

const MOST_EXPIRIES = 3;
/** Of a file that was erased and is there again: one of the same name, size and time, from a camera whose clock begins anew. */
const NOTHING_KNOWN: Parameters<Journal['begin']>[1] = {
  state: 'waiting',
  file: undefined,
  sidecar: undefined,
  spent: [],
  recording: undefined,
  sentBytes: 0,
  attempts: 0,
  trouble: undefined,
  receipt: undefined,
  erasing: undefined,
  logIndex: undefined,
  sealedAt: undefined,
};

/** Brings files from "found" to "receipt on disk". Every step is on disk before the next is taken, and may be taken again. */
export class Delivery {
  readonly announcements: Announcements;
  readonly settlement: Settlement;
  private readonly hashing = new Turns(1);
  private readonly sending: Turns;
  private readonly parts: Turns;
  private readonly buffers = new PartBuffers();
  /** By SHA-256: copies of one file go one after the other. */
  private readonly underWay = new Map<string, Promise<FileOutcome>>();
  private gone: ServerUnreachable | undefined;

  constructor(
    private readonly client: DockClient,
    private readonly journal: Journal,
    writer: DurableWriter,
    private readonly options: DeliveryOptions,
  ) {
    this.settlement = new Settlement(client, journal, writer, options);
    this.announcements = new Announcements(client, journal, options.dock);
    this.sending = new Turns(options.parallelFiles);
    this.parts = new Turns(options.parallelParts, options.cap === undefined ? Infinity : inFlightOf(options.cap));
  }

  /** Reads the file once, unless it was read before and is still that one. @throws FileFault when it changes meanwhile */
  async hash(found: RecordingFile): Promise<JournalEntry> {
    const { path, name, size, modifiedMs, sidecar } = found;
    const { progress, signal } = this.options;
    const key = keyOf({ path, size, modifiedMs });
    const entry = await this.journal.begin(found, this.journal.get(key)?.state === 'erased' ? NOTHING_KNOWN : {});
    const keep = (file: ManifestFile): Promise<JournalEntry> =>
      this.journal.update(key, { file, sidecar, state: 'waiting', trouble: undefined });
    if (entry.file !== undefined) return keep(announcedAs(found, entry.file.sha256));
    const what = `hashing ${name}`;
    const read = async (): Promise<JournalEntry> => {
      progress.begin(what, size);
      try {
        const file = await hashFile(found, (count) => {
          signal.throwIfAborted();
          progress.advance(what, count);
        });
        // Within the turn, so that a less urgent file that is read next does not overtake this one
        return await keep(file);
      } finally {
        progress.end(what);
      }
    };
    return this.hashing.during(urgencyOf(found, path), signal, read);
  }

  /** Announces, sends, waits for the sealing and keeps the receipt; erases where that is asked for. Rejects only when the run is ended. */
  deliver(key: string): Promise<FileOutcome> {
    const sha256 = this.journal.get(key)?.file?.sha256 ?? key;
    const before = this.underWay.get(sha256) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.deliverAlone(key));
    this.underWay.set(sha256, mine);
    const forget = (): void => {
      if (this.underWay.get(sha256) === mine) this.underWay.delete(sha256);
    };
    mine.then(forget, forget);
    return mine;
  }

  /** Puts on record what became of a file that could not be brought to its end. @throws the error itself when the run is ended */
  async conclude(key: string, error: unknown): Promise<FileOutcome> {
    const { signal } = this.options;
    signal.throwIfAborted();
    const { change, problem } = await this.verdictOn(error, this.journal.need(key));
    const concluded = await this.journal.update(key, change).catch((unwritten: unknown) => {
      signal.throwIfAborted();
      // A disk that stayed full: memory knows it, and the next run finds it again
      this.options.progress.say(messageOf(unwritten));
      return this.journal.need(key);
    });
    return { ...outcomeOf(concluded, problem), ...(change.state === undefined ? { state: 'unreachable' as const } : {}) };
  }

  private async deliverAlone(key: string): Promise<FileOutcome> {
    try {
      const entry = this.journal.need(key);
      let problem: AnnouncedFile['problem'];
      if (entry.state !== 'sealed' && entry.state !== 'erased') {
        const send = (): Promise<AnnouncedFile> => this.send(key);
        const remote = await this.sending.during(urgencyOf(entry.file ?? {}, entry.path), this.options.signal, send);
        problem = remote.problem;
        await this.settlement.settle(key, remote);
      }
      if (this.options.erase && this.journal.need(key).state === 'sealed') await this.settlement.erase(key);
      await this.journal.forgetNotes();
      const ended = this.journal.need(key);
      // Of a file that turned out to be sealed the refusal to take it once more is no news
      return outcomeOf(ended, ended.state === 'sealed' || ended.state === 'erased' ? undefined : problem);
    } catch (error) {
      return this.conclude(key, error);
    }
  }

  private async send(key: string): Promise<AnnouncedFile> {
    // Patience is spent once, not again for each file that is left
    if (this.gone !== undefined) throw new ServerUnreachable('not tried, because the server was gone before');
    try {
      for (let expiries = 1; ; expiries += 1) {
        const remote = await this.sendOnce(key);
        if (remote.state !== 'expired') return remote;
        if (expiries === MOST_EXPIRIES) throw new FileFault('the server gave the upload up again and again');
        this.options.progress.say(`${this.journal.need(key).path}: the server gave the upload up; announcing it anew`);
        await this.announcements.renounce(key);
      }
    } catch (error) {
      if (error instanceof ServerUnreachable) this.gone = error;
      throw error;
    }
  }

  private async sendOnce(key: string): Promise<AnnouncedFile> {
    const entry = this.journal.need(key);
    if (entry.file === undefined) throw new FileFault('it was not read yet');
    const remote = await this.announcements.recordingFor(entry, entry.file);
    if (remote.state === 'duplicate') return remote;
    const state = remote.state === 'receiving' ? 'sending' : 'sealing';
    const [{ recording }, sentBytes] = [remote, receivedBytes(remote)];
    await this.journal.update(key, { recording, state, sentBytes, attempts: entry.attempts + 1, trouble: undefined });
    if (remote.state !== 'receiving') return remote;
    try {
      const sent = await this.transfer(key, entry, remote, sentBytes);
      await this.journal.update(key, { state: 'sealing', sentBytes: entry.size, trouble: undefined });
      return sent;
    } catch (error) {
      if (error instanceof UploadExpired) return { ...remote, state: 'expired' };
      throw error;
    }
  }

  private async transfer(key: string, entry: JournalEntry, remote: RemoteFile, sentBytes: number): Promise<RemoteFile> {
    const { progress, signal } = this.options;
    const what = `sending ${remote.name}`;
    let sent = sentBytes;
    if (sent > 0) progress.say(`resuming ${remote.name}: ${String(remote.size - sent)} of ${String(remote.size)} bytes are left`);
    progress.begin(what, remote.size, sent);
    try {
      const onBytes = (count: number): void => {
        sent += count;
        progress.advance(what, count);
        this.journal.progress(key, sent);
      };
      const urgency = urgencyOf(entry.file ?? {}, entry.path);
      return await transfer(this.client, entry, remote, { buffers: this.buffers, turns: this.parts, urgency, onBytes, signal });
    } finally {
      progress.end(what);
    }
  }

  private async verdictOn(error: unknown, entry: JournalEntry): Promise<Verdict> {
    const trouble = messageOf(error);
    if (error instanceof ServerUnreachable) return { change: { trouble } };
    if (error instanceof Refused) {
      const { problem } = error;
      // Who may not come in at all is told so about every file: that says nothing about this one, and an administrator may mend it
      const passes = problem.status === 401 && this.options.patienceMs === Infinity;
      return { problem, change: passes ? { trouble } : { state: 'stopped', trouble } };
    }
    if (error instanceof TlogError) return { change: { state: 'stopped', trouble: `the receipt does not verify: ${trouble}` } };
    // What is at the path now says more than how it was noticed
    const fault = await assertSame(entry).catch((now: unknown) => now);
    if (fault instanceof FileChanged) return { change: { state: 'changed', trouble } };
    if (fault instanceof FileGone || error instanceof FileGone) return { change: { state: 'paused', trouble } };
    return { change: { state: 'stopped', trouble } };
  }
}

interface Verdict {
  readonly change: { readonly state?: JournalEntry['state']; readonly trouble: string };
  readonly problem?: FileOutcome['problem'];
}

function announcedAs(
  { path: _path, modifiedMs: _modifiedMs, sidecar: _sidecar, ...said }: RecordingFile,
  sha256: string,
): ManifestFile {
  return { ...said, sha256 };
}
