import { readManifest, type ManifestFile } from '#tlog';
import type { DockClient, RemoteFile } from './dock-client.js';
import { FileFault, Refused, type Problem } from './dock-faults.js';
import type { Journal } from './journal.js';
import { keyOf, type JournalEntry } from './journal-entry.js';
import { signedManifest, type SigningDock } from './manifest-signing.js';

/** With the problem document, where the announcement was answered with one. */
export interface AnnouncedFile extends RemoteFile {
  readonly problem?: Problem;
}
type Announced = readonly { readonly sha256: string; readonly remote: AnnouncedFile }[];

/** The service takes manifests of up to 1 MiB, of which a single track of GPS points may have more than half, and makes a transaction of each. */
const MOST_BYTES = 768 * 1024;
const MOST_FILES = 100;

/** Turns files into recordings that the server waits for: under the manifest that lists them, always the same one, so never twice. */
export class Announcements {
  private readonly underWay = new Map<string, Promise<Announced>>();

  constructor(
    private readonly client: DockClient,
    private readonly journal: Journal,
    private readonly dock: SigningDock,
  ) {}

  /** One manifest for all that have none yet, or several where one would be too large. @throws UsageFault when they cannot be announced as they are described */
  async sign(entries: readonly JournalEntry[]): Promise<void> {
    const files = new Map<string, ManifestFile>();
    for (const { file, spent } of entries) {
      // The same bytes twice in one manifest would be refused: the second copy gets its own, and is told that they are held already
      if (file !== undefined && this.journal.noteFor(file, spent) === undefined && !files.has(file.sha256))
        files.set(file.sha256, file);
    }
    for (const batch of batchesOf([...files.values()])) await this.journal.keepNote(signedManifest(this.dock, batch));
  }

  /** The note under which a file is announced, made now when there is none. */
  async noteOf(file: ManifestFile, spent: readonly string[]): Promise<{ id: string; text: string }> {
    const known = this.journal.noteFor(file, spent);
    if (known !== undefined) return known;
    await this.journal.keepNote(signedManifest(this.dock, [file]));
    const made = this.journal.noteFor(file, spent);
    // Its fields were normalised when it was signed: such a file would be signed anew, and announced anew, for ever
    if (made === undefined) throw new FileFault('the signed manifest says other things of the file than were found');
    return made;
  }

  /** What the server knows of it. @throws Refused, ServerUnreachable, FileFault */
  async recordingFor(entry: JournalEntry, file: ManifestFile): Promise<AnnouncedFile> {
    const known = entry.recording === undefined ? undefined : await this.known(entry.recording);
    const remote = known ?? (await this.announced(entry, file));
    if (remote.sha256 === file.sha256 && remote.size === file.size) return remote;
    throw new FileFault('the server answered about other files than were announced');
  }

  /** Its manifest leads nowhere any more: the next announcement is a new one. */
  async renounce(key: string): Promise<void> {
    const entry = this.journal.get(key);
    const note = entry?.file === undefined ? undefined : this.journal.noteFor(entry.file, entry.spent);
    if (entry === undefined) return;
    const spent = note === undefined ? entry.spent : [...entry.spent, note.id];
    if (note !== undefined) this.underWay.delete(note.id);
    await this.journal.update(key, { spent, recording: undefined, sentBytes: 0, state: 'waiting' });
  }

  private async known(recording: string): Promise<RemoteFile | undefined> {
    try {
      return await this.client.state(recording);
    } catch (error) {
      // A service that was set back to a time before the announcement: it is announced again, under the same manifest
      if (error instanceof Refused && error.problem.status === 404) return undefined;
      throw error;
    }
  }

  private async announced(entry: JournalEntry, file: ManifestFile): Promise<AnnouncedFile> {
    const note = await this.noteOf(file, entry.spent);
    const before = this.underWay.get(note.id);
    const all = before ?? this.announce(note.text);
    if (before === undefined) {
      this.underWay.set(note.id, all);
      const forget = (): boolean => this.underWay.delete(note.id);
      // Who else brings a file in may give it up: that answer is not kept
      all.then((files) => files.some(({ remote }) => isHeldUnsealed(remote)) && forget(), forget);
    }
    try {
      const remote = (await all).find(({ sha256 }) => sha256 === file.sha256)?.remote;
      if (remote === undefined) throw new FileFault('the server answered about other files than were announced');
      return remote;
    } catch (error) {
      // Refused as it is: sent again it would be refused again. The next run signs a new one
      if (error instanceof Refused && [400, 413, 422].includes(error.problem.status)) await this.renounce(keyOf(entry));
      throw error;
    }
  }

  private async announce(note: string): Promise<Announced> {
    const { files } = readManifest(note);
    const remotes = await this.remotesOf(note, files);
    return files.flatMap(({ sha256 }, index) => {
      const remote = remotes[index];
      return remote === undefined ? [] : [{ sha256, remote }];
    });
  }

  private async remotesOf(note: string, files: readonly ManifestFile[]): Promise<readonly AnnouncedFile[]> {
    try {
      return await this.client.announce(note);
    } catch (error) {
      if (!(error instanceof Refused) || error.problem.type !== 'urn:custodiet:duplicate-recording') throw error;
      const holders = listOf(error.problem['recordings']);
      const states = listOf(error.problem['states']);
      const yours = listOf(error.problem['yours']);
      return files.map(({ name, sha256, size }, index) => ({
        ...{ name, sha256, size, state: 'duplicate' as const, partSize: 0, partsReceived: [], reason: error.message },
        recording: '',
        ...(typeof holders[index] === 'string' ? { duplicateOf: holders[index] } : {}),
        ...(typeof states[index] === 'string' ? { heldAs: states[index] } : {}),
        ...(yours[index] === true ? { yours: true } : {}),
        problem: error.problem,
      }));
    }
  }
}

function batchesOf(files: readonly ManifestFile[]): ManifestFile[][] {
  const batches: ManifestFile[][] = [];
  let room = 0;
  for (const file of files) {
    const bytes = Buffer.byteLength(JSON.stringify(file));
    let batch = batches.at(-1);
    if (batch === undefined || bytes > room || batch.length === MOST_FILES) {
      batches.push((batch = []));
      room = MOST_BYTES;
    }
    batch.push(file);
    room -= bytes;
  }
  return batches;
}

/** Somebody else announced the same bytes and has not brought them in yet. */
export function isHeldUnsealed({ state, heldAs }: RemoteFile): boolean {
  return state === 'duplicate' && (heldAs ?? 'sealed') !== 'sealed';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
