import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hasArrived, sighted, type Sighting } from './arrivals.rules.js';
import { FileGone, messageOf, UsageFault } from './dock-faults.js';
import type { DockSession } from './dock-session.js';
import { outcomeOf, sentenceFor, type FileOutcome } from './file-outcome.js';
import { assertSame } from './file-stamp.js';
import { scanFolders, type Found } from './folder-scan.js';
import { isSettled, keyOf, type FileStamp, type JournalEntry } from './journal-entry.js';
import { describeFile, type RecordingFile, type StatedMetadata } from './recording-file.js';
import { Turns } from './turns.js';

export interface FolderWatchOptions {
  readonly roots: readonly string[];
  readonly extensions: readonly string[];
  readonly settleMs: number;
  readonly stated: StatedMetadata;
  readonly signal: AbortSignal;
}

const DESCRIBED_AT_ONCE = 2;
const AGAIN_AFTER_MS = 15_000;
const GATE_MS = 2000;

/** Takes files as they arrive, lets go of those that vanish, and takes them up again when they are back. */
export class FolderWatch {
  private readonly sightings = new Map<string, Sighting>();
  /** By key: what is being brought in now. */
  private readonly underWay = new Map<string, Promise<void>>();
  /** By key: the sidecars with which a file could not be described. */
  private readonly wanting = new Map<string, string>();
  /** By path: not to be tried before. */
  private readonly notBefore = new Map<string, number>();
  private readonly describing = new Turns(DESCRIBED_AT_ONCE);
  private readonly ends = new Map<string, FileOutcome>();
  /** Of the files that this look found to have arrived. */
  private described: Promise<unknown>[] = [];
  private gate = newGate();

  constructor(
    private readonly session: DockSession,
    private readonly options: FolderWatchOptions,
  ) {}

  /** Whether everything that was seen by this watch is sealed. */
  get isAllSealed(): boolean {
    return this.wanting.size === 0 && [...this.ends.values()].every(({ state }) => state === 'sealed');
  }

  /** What stopped is tried again, because a person asked for it. */
  async retryStopped(): Promise<void> {
    const { journal } = this.session;
    for (const entry of journal.all()) {
      if (entry.state === 'stopped') await journal.update(keyOf(entry), { state: 'waiting', trouble: undefined });
    }
  }

  /** What came to its end long ago and is gone is not kept in mind for as long as the process lives. */
  async forgetSettled(now: number): Promise<void> {
    const { journal } = this.session;
    await journal.prune(now);
    for (const key of this.ends.keys()) if (journal.get(key) === undefined) this.ends.delete(key);
  }

  /** Resolves once nothing is under way any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.underWay.values());
  }

  /** Looks once. True when nothing is under way and nothing that is there is still arriving. */
  async look(): Promise<boolean> {
    const { roots, extensions, signal } = this.options;
    const trouble = (sentence: string): void => {
      this.session.progress.trouble(sentence);
    };
    const found = await scanFolders(roots, extensions, trouble);
    for (const path of this.sightings.keys()) {
      if (found.has(path)) continue;
      this.sightings.delete(path);
      this.notBefore.delete(path);
    }
    // One time for all, so that what came together is taken together
    const now = performance.now();
    const isArriving = [...found.values()].filter((file) => this.consider(file, now)).length > 0;
    this.openGate();
    await this.pauseMissing(found);
    signal.throwIfAborted();
    return this.underWay.size === 0 && !isArriving;
  }

  /** True when it is not taken yet and will be without anybody's doing. */
  private consider(file: Found, now: number): boolean {
    const key = keyOf(file);
    if (this.underWay.has(key)) return false;
    const entry = this.session.journal.get(key);
    const sighting = sighted(this.sightings.get(file.path), file, now);
    this.sightings.set(file.path, sighting);
    // What is known by its very size and time of change was whole when it became known
    if ((entry === undefined || entry.state === 'erased') && !hasArrived(sighting, this.options.settleMs)) return true;
    if (entry !== undefined && !this.isWorthWhile(key, entry, file)) {
      if (entry.state !== 'needs-metadata' && !this.ends.has(key)) this.ends.set(key, outcomeOf(entry));
      return false;
    }
    if ((this.notBefore.get(file.path) ?? 0) > now) return true;
    this.start(key, file.path, () => this.bring(key, file));
    return false;
  }

  private start(key: string, path: string, bring: () => Promise<void>): void {
    const work = bring().catch((error: unknown) => {
      if (!this.options.signal.aborted) this.session.progress.say(`${path}: ${messageOf(error)}`);
    });
    this.underWay.set(
      key,
      work.finally(() => this.underWay.delete(key)),
    );
  }

  /** Nothing is read or sent before all that arrived together are described, or a while has passed: the flagged ones go first. */
  private openGate(): void {
    const { described } = this;
    if (described.length === 0) return;
    const open = this.gate.open;
    this.described = [];
    this.gate = newGate();
    const impatience = setTimeout(open, GATE_MS);
    void Promise.allSettled(described).then(() => {
      clearTimeout(impatience);
      open();
    });
  }

  private isWorthWhile(key: string, entry: JournalEntry, file: Found): boolean {
    if (entry.state === 'needs-metadata') return this.wanting.get(key) !== file.sidecars;
    if (entry.state === 'sealed') return this.session.erases && entry.trouble === undefined && !this.ends.has(key);
    return entry.state === 'erased' || (entry.state !== 'stopped' && !isSettled(entry));
  }

  private async bring(key: string, file: Found): Promise<void> {
    const { journal, delivery } = this.session;
    let outcome: FileOutcome;
    // Seen a moment before this very dock erased it; else what is there now is another file, however much it looks like that one
    if (journal.get(key)?.state === 'erased' && (await isGone(file))) return;
    try {
      if (this.isDescribed(key)) {
        outcome = await delivery.deliver(key);
      } else {
        const [gate, describing] = [this.gate, this.describe(key, file)];
        this.described.push(describing);
        const described = await describing;
        if (described === undefined) return;
        await gate.opened;
        await delivery.hash(described);
        outcome = await delivery.deliver(key);
      }
    } catch (error) {
      outcome = await delivery.conclude(key, error);
    }
    await this.tell(key, outcome);
  }

  /** What was signed stays as it was said, and what is announced too; before that a sidecar may still mend it. */
  private isDescribed(key: string): boolean {
    const entry = this.session.journal.get(key);
    if (entry?.file === undefined || entry.state === 'erased') return false;
    return entry.recording !== undefined || this.session.journal.noteFor(entry.file, entry.spent) !== undefined;
  }

  private async tell(key: string, outcome: FileOutcome): Promise<void> {
    const { journal, progress } = this.session;
    const { file, reason = '' } = outcome;
    const state = journal.get(key)?.state;
    if (outcome.state === 'unreachable' || state === 'paused') this.notBefore.set(file, performance.now() + AGAIN_AFTER_MS);
    // What is there now under its name is another file, and counts for itself
    if (state !== 'changed') this.ends.set(key, outcome);
    if (state === 'changed' || state === 'paused') progress.say(`${file}: ${state}: ${reason}`);
    else progress.say(outcome.state === 'unreachable' ? `${file}: not finished, trying again: ${reason}` : sentenceFor(outcome));
    if (outcome.state === 'sealed') await this.closeCopies(key);
  }

  /** Undefined when nobody says whose recording it is: it is on record as waiting for that. */
  private async describe(key: string, file: Found): Promise<RecordingFile | undefined> {
    const { journal, progress, ffprobe } = this.session;
    const { stated, signal } = this.options;
    for (const other of journal.superseded(file)) {
      await journal.update(keyOf(other), { state: 'changed', trouble: 'there is another file under its name now' });
      this.wanting.delete(keyOf(other));
    }
    const isNew = journal.get(key) === undefined;
    await journal.begin(file);
    if (isNew) progress.say(`${file.path}: found`);
    await access(file.path, constants.R_OK).catch((error: unknown) => {
      throw new FileGone(`${file.path} cannot be opened: ${messageOf(error)}`);
    });
    const urgency = { flagged: false, recordedAt: '', path: file.path };
    try {
      const read = (): Promise<RecordingFile> => describeFile(file.path, stated, ffprobe === undefined ? {} : { ffprobe });
      const described = await this.describing.during(urgency, signal, read);
      // It may have changed since it was seen: then what was described is another file than the one on record
      await assertSame(file);
      this.wanting.delete(key);
      return described;
    } catch (error) {
      if (!(error instanceof UsageFault)) throw error;
      await assertSame(file);
      this.wanting.set(key, file.sidecars);
      const before = journal.get(key);
      await journal.update(key, { state: 'needs-metadata', trouble: error.message });
      if (before?.trouble !== error.message) progress.say(`${error.message}; it is taken when that is mended`);
      return undefined;
    }
  }

  /** The same recording that was left half-way under another name, such as on a camera that is mounted elsewhere now. */
  private async closeCopies(key: string): Promise<void> {
    const { journal } = this.session;
    const sealed = journal.get(key);
    for (const entry of journal.all()) {
      if (entry.state !== 'paused' || entry.file?.sha256 !== sealed?.file?.sha256 || keyOf(entry) === key) continue;
      await journal.update(keyOf(entry), { state: 'changed', trouble: `the same file was sealed from ${sealed?.path ?? ''}` });
    }
  }

  private async pauseMissing(found: ReadonlyMap<string, Found>): Promise<void> {
    const { journal, delivery, progress } = this.session;
    for (const entry of journal.all()) {
      const key = keyOf(entry);
      if (found.has(entry.path) || this.underWay.has(key)) continue;
      // Everything is sent: for its receipt the file is not needed
      if (entry.state === 'sealing' && (this.notBefore.get(entry.path) ?? 0) <= performance.now())
        this.start(key, entry.path, async () => this.tell(key, await delivery.deliver(key)));
      if (!['waiting', 'sending', 'needs-metadata'].includes(entry.state)) continue;
      // In a folder that is not watched now: another command's, or another day's
      if (!(await isGone(entry))) continue;
      await journal.update(key, { state: 'paused', trouble: 'the file is not there: it goes on when it is back' });
      this.wanting.delete(key);
      progress.say(`${entry.path}: paused, the file is not there; it goes on when it is back`);
    }
  }
}

async function isGone(file: FileStamp): Promise<boolean> {
  return assertSame(file).then(
    () => false,
    () => true,
  );
}

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function newGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
