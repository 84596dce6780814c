import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { canonicalize, readManifest, type Json, type ManifestFile } from '#tlog';
import { messageOf, systemCode } from './dock-faults.js';
import { removeDurably, removeUnfinished, type DurableWriter } from './durable-write.js';
import { isSettled, isUnderWay, journalEntry, keyOf, type FileStamp, type JournalEntry } from './journal-entry.js';
import { JournalLock } from './journal-lock.js';

const KEEP_SETTLED_MS = 30 * 24 * 3600 * 1000;
const PROGRESS_EVERY_MS = 500;
/** Longer than the longest wait between two tries. */
const TROUBLE_LASTS_MS = 60_000;
const progressDocument = z.object({
  sent: z.array(z.tuple([z.string(), z.number()])),
  trouble: z.optional(z.object({ sentence: z.string(), at: z.string() })),
});
const ENTRY = /^[0-9a-f]{32}\.json$/;
const NOTE = /^[0-9a-f-]{36}\.note$/;

type Change = Partial<Omit<JournalEntry, 'format' | 'path' | 'size' | 'modifiedMs' | 'foundAt' | 'since'>>;

interface Note {
  readonly text: string;
  readonly createdAt: string;
  readonly files: readonly ManifestFile[];
}

/**
 * What this dock knows of its files, on disk before anything is done that depends on it: `files/` one JSON document a file, `manifests/` the
 * signed notes. A note belongs to every file that it lists, so that writing it is the one moment from which on its files are announced under
 * it and no other: there is no pointer that a power cut could leave out.
 */
export class Journal {
  private readonly entries = new Map<string, JournalEntry>();
  private readonly notes = new Map<string, Note>();
  private readonly writing = new Map<string, Promise<void>>();
  private readonly sent = new Map<string, number>();
  private progressTimer: NodeJS.Timeout | undefined;
  private troubled: z.infer<typeof progressDocument>['trouble'];

  private constructor(
    readonly folder: string,
    private readonly writer: DurableWriter,
    private readonly lock: JournalLock,
  ) {}

  /**
   * Takes the journal for this process. What cannot be read is set aside and said, and nothing is lost by it but the memory of one file,
   * which is then found anew. @throws JournalTaken when another process has it
   */
  static async open(folder: string, writer: DurableWriter, say: (sentence: string) => void): Promise<Journal> {
    for (const each of ['files', 'manifests', 'set-aside']) await mkdir(join(folder, each), { recursive: true, mode: 0o700 });
    const journal = new Journal(folder, writer, await JournalLock.take(folder));
    try {
      await journal.load(say);
      await journal.prune(Date.now());
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** The entries as they are, without taking the journal. */
  static async read(folder: string, say: (sentence: string) => void): Promise<JournalEntry[]> {
    const found: JournalEntry[] = [];
    const { sent, trouble } = await readProgress(folder);
    for (const name of await namesIn(join(folder, 'files'), ENTRY)) {
      try {
        const entry = parseEntry(await readFile(join(folder, 'files', name), 'utf8'));
        const sentBytes = Math.max(entry.sentBytes, sent.get(keyOf(entry)) ?? 0);
        found.push({
          ...entry,
          sentBytes,
          ...(trouble === undefined || !isUnderWay(entry) ? {} : { trouble: entry.trouble ?? trouble }),
        });
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') say(`${join(folder, 'files', name)} cannot be read: ${messageOf(error)}`);
      }
    }
    return found;
  }

  all(): readonly JournalEntry[] {
    return [...this.entries.values()];
  }

  get(key: string): JournalEntry | undefined {
    return this.entries.get(key);
  }

  /** @throws Error when there is none, which only a mistake of ours can bring about */
  need(key: string): JournalEntry {
    const entry = this.entries.get(key);
    if (entry === undefined) throw new Error(`The journal has no entry ${key}`);
    return entry;
  }

  /** The unsettled entries under this path that are of another file than the one that is there now. */
  superseded({ path, size, modifiedMs }: FileStamp): readonly JournalEntry[] {
    const isOther = (entry: JournalEntry): boolean => entry.size !== size || entry.modifiedMs !== modifiedMs;
    return this.all().filter((entry) => entry.path === path && isOther(entry) && !isSettled(entry));
  }

  /** The entry of this file, a new one when it is not known. */
  async begin({ path, size, modifiedMs }: FileStamp, change: Change = {}): Promise<JournalEntry> {
    const key = keyOf({ path, size, modifiedMs });
    if (this.entries.has(key)) return this.update(key, change);
    const now = new Date().toISOString();
    const stamp = { format: 'custodiet-dock/journal/v1', path, size, modifiedMs, foundAt: now, since: now } as const;
    return this.keep(key, { ...stamp, state: 'waiting', spent: [], sentBytes: 0, attempts: 0, ...change });
  }

  /** On disk when it returns. A member that is given as undefined is taken out. */
  async update(key: string, change: Change): Promise<JournalEntry> {
    const known = this.need(key);
    if ((Object.keys(change) as (keyof Change)[]).every((member) => change[member] === known[member])) return known;
    if (change.state !== undefined && isSettled({ state: change.state })) this.sent.delete(key);
    const since = change.state === undefined || change.state === known.state ? known.since : new Date().toISOString();
    return this.keep(key, { ...known, ...change, since });
  }

  /** How much the server has, for `status`. Not worth waiting for the disk: after a power cut the server says it again. */
  progress(key: string, bytes: number): void {
    this.sent.set(key, bytes);
    this.noteProgress();
  }

  /** What goes wrong at the moment for all that is under way, for `status`. */
  trouble(sentence: string): void {
    this.troubled = { sentence, at: new Date().toISOString() };
    this.noteProgress();
  }

  /** Keeps a signed note, from now on the one under which its files are announced. */
  async keepNote(text: string): Promise<void> {
    const { id } = readManifest(text);
    await this.writer.write(join(this.folder, 'manifests', `${id}.note`), text);
    this.notes.set(id, noteOf(text));
  }

  /** The newest note that lists exactly this file and is not spent. */
  noteFor(file: ManifestFile, spent: readonly string[]): { id: string; text: string } | undefined {
    const fitting = [...this.notes].filter(([id, note]) => !spent.includes(id) && note.files.some((each) => isSame(each, file)));
    const [newest] = fitting.sort(([, a], [, b]) => b.createdAt.localeCompare(a.createdAt));
    return newest === undefined ? undefined : { id: newest[0], text: newest[1].text };
  }

  /** Forgets the notes of which every file has come to its end. One whose entry was damaged has not: it will need its note again. */
  async forgetNotes(): Promise<void> {
    for (const [id, { files }] of [...this.notes]) {
      const isDone = (file: ManifestFile): boolean =>
        this.all().some(
          (entry) => (isSettled(entry) || entry.spent.includes(id)) && entry.file !== undefined && isSame(entry.file, file),
        );
      if (files.every(isDone)) await this.forgetNote(id);
    }
  }

  /** Waits for what is being written and lets another process have the journal. */
  async close(): Promise<void> {
    await Promise.allSettled(this.writing.values());
    clearTimeout(this.progressTimer);
    if (this.progressTimer !== undefined) await this.writeProgress();
    await this.lock.release();
  }

  private noteProgress(): void {
    this.progressTimer ??= setTimeout(() => {
      this.progressTimer = undefined;
      void this.writeProgress();
    }, PROGRESS_EVERY_MS).unref();
  }

  private async writeProgress(): Promise<void> {
    const text = JSON.stringify({ sent: [...this.sent], trouble: this.troubled } satisfies z.infer<typeof progressDocument>);
    await writeFile(join(this.folder, 'progress.json'), text).catch(() => undefined);
  }

  private async keep(key: string, entry: JournalEntry): Promise<JournalEntry> {
    this.entries.set(key, entry);
    const text = `${JSON.stringify(entry)}\n`;
    const before = this.writing.get(key) ?? Promise.resolve();
    // One after the other, so that the disk never goes back to an earlier state of the entry
    const written = before.catch(() => undefined).then(() => this.writer.write(this.pathOf(key), text));
    this.writing.set(key, written);
    try {
      await written;
    } finally {
      if (this.writing.get(key) === written) this.writing.delete(key);
    }
    return this.entries.get(key) ?? entry;
  }

  private async load(say: (sentence: string) => void): Promise<void> {
    await this.loadEach('files', ENTRY, say, (text, name) => {
      const entry = parseEntry(text);
      const key = keyOf(entry);
      if (name !== `${key}.json`) throw new Error('it speaks of another file than its name');
      this.entries.set(key, entry);
    });
    await this.loadEach('manifests', NOTE, say, (text) => {
      this.notes.set(readManifest(text).id, noteOf(text));
    });
  }

  private async loadEach(
    kind: 'files' | 'manifests',
    pattern: RegExp,
    say: (sentence: string) => void,
    take: (text: string, name: string) => void,
  ): Promise<void> {
    const folder = join(this.folder, kind);
    await removeUnfinished(folder);
    for (const name of await namesIn(folder, pattern)) {
      const path = join(folder, name);
      const text = await readFile(path, 'utf8');
      try {
        take(text, name);
      } catch (error) {
        const aside = join(this.folder, 'set-aside', `${String(Date.now())}-${name}`);
        await rename(path, aside);
        say(`${path} is damaged and was set aside as ${aside} (${messageOf(error)}); the file it spoke of is taken anew`);
      }
    }
  }

  /** Forgets what was settled thirty days before `now`, milliseconds since 1970, and is gone; only while nothing is begun. */
  async prune(now: number): Promise<void> {
    const isOld = (at: string): boolean => now - Date.parse(at) >= KEEP_SETTLED_MS;
    for (const [key, entry] of [...this.entries]) {
      // While the file is still there its entry is what keeps it from being announced again
      if (!isSettled(entry) || entry.erasing === true || !isOld(entry.since) || (await exists(entry.path))) continue;
      this.entries.delete(key);
      await removeDurably(this.pathOf(key));
    }
    for (const [id, { createdAt }] of [...this.notes]) if (isOld(createdAt) && !this.isOpen(id)) await this.forgetNote(id);
    await this.forgetNotes();
  }

  private isOpen(id: string): boolean {
    const files = this.notes.get(id)?.files ?? [];
    return this.all().some((entry) => !isSettled(entry) && files.some((file) => file.sha256 === entry.file?.sha256));
  }

  private async forgetNote(id: string): Promise<void> {
    this.notes.delete(id);
    await removeDurably(join(this.folder, 'manifests', `${id}.note`));
  }

  private pathOf(key: string): string {
    return join(this.folder, 'files', `${key}.json`);
  }
}

function parseEntry(text: string): JournalEntry {
  const { file, ...rest } = z.parse(journalEntry, JSON.parse(text));
  return { ...rest, ...(file === undefined ? {} : { file }) };
}

function noteOf(text: string): Note {
  const { createdAt, files } = readManifest(text);
  return { text, createdAt, files };
}

function isSame(one: ManifestFile, other: ManifestFile): boolean {
  return one.sha256 === other.sha256 && canonical(one) === canonical(other);
}

function canonical(file: ManifestFile): string {
  return canonicalize(JSON.parse(JSON.stringify(file)) as Json);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function readProgress(folder: string): Promise<{ sent: ReadonlyMap<string, number>; trouble?: string }> {
  try {
    const { sent, trouble } = z.parse(progressDocument, JSON.parse(await readFile(join(folder, 'progress.json'), 'utf8')));
    const isNow = trouble !== undefined && Date.now() - Date.parse(trouble.at) < TROUBLE_LASTS_MS;
    return { sent: new Map(sent), ...(isNow ? { trouble: trouble.sentence } : {}) };
  } catch {
    // Never written yet, or half written: the entries alone tell less, and nothing wrong
    return { sent: new Map() };
  }
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => pattern.test(name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
