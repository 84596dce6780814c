import { sha256Of } from './digest.js';
import {
  announce,
  complete,
  uploadStatus,
  type About,
  type HandedIn,
  type UploadState,
  type UploadStatus,
} from './hand-in-api.js';
import { sendMissingParts } from './part-sending.js';
import { persevere, type Delay } from './perseverance.js';
import { Refused, sentenceOf } from './service.js';
import { finalState, isFinal } from './state-watch.js';

/** A file as the person described it. */
export interface Chosen {
  readonly file: File;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly device: string;
}

export type Stage = 'waiting' | 'hashing' | 'announcing' | 'sending' | Exclude<UploadState, 'receiving'> | 'failed';

/** Where one file is on its way. Never changed, only replaced. */
export interface HandedFile extends Chosen {
  readonly key: number;
  /** Undefined where it was announced before, on a page that was lost. */
  readonly about?: About | undefined;
  readonly stage: Stage;
  /** Bytes that are hashed, or sent: of the stage that it is in. */
  readonly bytes: number;
  readonly sha256?: string | undefined;
  /** The SHA-256 that it must have, where it was announced before. */
  readonly announced?: string | undefined;
  readonly recording?: string | undefined;
  readonly delay?: Delay | undefined;
  /** Why it ended as it did. */
  readonly reason?: string | undefined;
}

export interface RunState {
  readonly files: readonly HandedFile[];
  readonly paused: boolean;
  /** The session ended: nothing goes on until the same person has signed in again. */
  readonly signedOut: boolean;
}

/** Answers that mean that the upload is elsewhere than this page believes. */
const OVERTAKEN = ['parts-missing', 'not-receiving'];

/** True while closing the page would interrupt something; sealing goes on without it. */
export function isUnderWay({ files }: RunState): boolean {
  return files.some(({ stage }) => isOpen(stage));
}

function isOpen(stage: Stage): boolean {
  return stage === 'waiting' || stage === 'hashing' || stage === 'announcing' || stage === 'sending';
}

/** Hands in files, one after the other, each in parts: announced, sent, complete, sealed. Survives the network, a pause and the session's end. */
export class HandInRun {
  private state: RunState = { files: [], paused: false, signedOut: false };
  private readonly listeners = new Set<() => void>();
  private readonly watched = new Set<number>();
  private ended = new AbortController();
  private leg = new AbortController();
  private working = false;
  private keys = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): RunState => this.state;

  add(about: About, chosen: readonly Chosen[]): void {
    const files = chosen.map((each): HandedFile => ({ ...each, about, key: ++this.keys, stage: 'waiting', bytes: 0 }));
    this.change({ files: [...this.state.files, ...files] });
    void this.work();
  }

  /** The rest of a file that was announced before, chosen again. */
  goOnWith(before: Pick<HandedIn, 'recording' | 'sha256'>, file: File): void {
    const { recording, sha256 } = before;
    const again = { file, recordedAt: file.lastModified, device: '', recording, announced: sha256 };
    this.change({ files: [...this.state.files, { ...again, key: ++this.keys, stage: 'waiting', bytes: 0 }] });
    void this.work();
  }

  /** The service does not know the session any more. */
  readonly signOut = (): void => {
    this.change({ signedOut: true });
    this.leg.abort();
  };

  pause(): void {
    this.change({ paused: true });
    this.leg.abort();
  }

  /** Also after signing in again. */
  goOn(): void {
    this.change({ paused: false, signedOut: false });
    void this.work();
    // What was being watched when the session ended.
    for (const { key, stage, recording } of this.state.files)
      if (stage === 'sealing' && recording !== undefined) void this.watch(key, recording);
  }

  tryAgain(key: number): void {
    // Announced anew, it goes on where it was, or begins again where the service gave it up.
    const again = this.fileOf(key).about === undefined ? {} : { recording: undefined };
    this.update(key, { stage: 'waiting', bytes: 0, reason: undefined, ...again });
    void this.work();
  }

  /** Also after an end: React mounts a page twice while it is worked on. */
  begin(): void {
    if (this.ended.signal.aborted) this.ended = new AbortController();
  }

  /** Gives up whatever is under way here; what the service has, it keeps. */
  end(): void {
    this.ended.abort();
    this.leg.abort();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (;;) {
        const next = this.state.files.find(({ stage }) => isOpen(stage));
        if (next === undefined || this.stopped()) return;
        this.leg = new AbortController();
        await this.handIn(next, this.leg.signal);
      }
    } finally {
      this.working = false;
    }
  }

  private stopped(): boolean {
    return this.state.paused || this.state.signedOut || this.ended.signal.aborted;
  }

  private async handIn(file: HandedFile, signal: AbortSignal): Promise<void> {
    const { key } = file;
    try {
      const sha256 = file.sha256 ?? (await this.hash(file, signal));
      const fault = this.faultOf(file, sha256);
      if (fault !== undefined) {
        this.update(key, { stage: 'failed', reason: fault });
        return;
      }
      this.update(key, { sha256, stage: 'announcing' });
      const status = await this.persist(key, signal, () => this.statusOf(this.fileOf(key), sha256, signal));
      this.update(key, { recording: status.recording ?? undefined });
      this.follow(key, status.state === 'receiving' ? await this.deliver(file, status, signal) : status);
    } catch (error) {
      this.stopOrFail(key, error, signal);
    }
  }

  private faultOf({ key, file, announced }: HandedFile, sha256: string): string | undefined {
    if (announced !== undefined && announced !== sha256)
      return `${file.name} is not the file that was begun: its SHA-256 is another one. Choose that file, or hand this one in by itself.`;
    const twin = this.state.files.find((other) => other.key !== key && other.sha256 === sha256 && other.stage !== 'failed');
    return twin === undefined ? undefined : `This is the same file as ${twin.file.name}, which is in this list already.`;
  }

  private async hash({ key, file }: HandedFile, signal: AbortSignal): Promise<string> {
    this.update(key, { stage: 'hashing', bytes: 0 });
    return sha256Of(file, signal, (bytes) => this.update(key, { bytes }));
  }

  private statusOf(file: HandedFile, sha256: string, signal: AbortSignal): Promise<UploadStatus> {
    if (file.recording !== undefined) return uploadStatus(file.recording, signal);
    if (file.about === undefined) throw new Error('nothing is known of where the file comes from.');
    const stated = { name: file.file.name, size: file.file.size, recordedAt: file.recordedAt, device: file.device };
    return announce(file.about, { ...stated, sha256 }, signal);
  }

  /** Sends what is missing and completes. @returns the state after that */
  private async deliver(file: HandedFile, before: UploadStatus, signal: AbortSignal): Promise<UploadStatus> {
    let status = before;
    const recording = recordingOf(before);
    // Once is enough, unless the service lost a part, or another page of the same person was faster.
    for (let round = 1; status.state === 'receiving'; round++) {
      try {
        await this.send(file, status, signal);
        status = await this.persist(file.key, signal, () => complete(recording, signal));
      } catch (error) {
        if (!(error instanceof Refused && OVERTAKEN.includes(error.code)) || round > 3) throw error;
        status = await this.persist(file.key, signal, () => uploadStatus(recording, signal));
      }
    }
    return status;
  }

  private send({ key, file }: HandedFile, status: UploadStatus, signal: AbortSignal): Promise<void> {
    const upload = { file, recording: recordingOf(status), partSize: status.partSize, received: status.partsReceived };
    return sendMissingParts(upload, signal, {
      onBytes: (bytes) => this.update(key, { stage: 'sending', bytes }),
      onDelay: (delay) => this.update(key, { delay }),
    });
  }

  /** Everything has arrived, or was there before: what becomes of it is the service's work, while the next file goes up. */
  private follow(key: number, status: UploadStatus): void {
    this.settle(key, status);
    if (!isFinal(status.state)) void this.watch(key, recordingOf(status));
  }

  private async watch(key: number, recording: string): Promise<void> {
    if (this.watched.has(key)) return;
    this.watched.add(key);
    try {
      this.settle(key, await finalState(recording, this.ended.signal));
    } catch (error) {
      if (!this.ended.signal.aborted) this.stopOrFail(key, error, this.ended.signal);
    } finally {
      this.watched.delete(key);
    }
  }

  private settle(key: number, { state, recording, duplicateOf, reason }: UploadStatus): void {
    const stage = state === 'receiving' ? 'sending' : state;
    this.update(key, { stage, recording: duplicateOf ?? recording ?? undefined, reason, delay: undefined });
  }

  private stopOrFail(key: number, error: unknown, signal: AbortSignal): void {
    const { stage } = this.fileOf(key);
    if (error instanceof Refused && error.status === 401) {
      this.signOut();
      // What is being sealed is asked about again afterwards.
      if (stage !== 'sealing') this.update(key, { stage: 'waiting', delay: undefined });
    } else if (signal.aborted) this.update(key, { stage: 'waiting', delay: undefined });
    else this.update(key, { stage: 'failed', reason: sentenceOf(error), delay: undefined });
  }

  private persist<T>(key: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return persevere(work, signal, (delay) => this.update(key, { delay }));
  }

  private fileOf(key: number): HandedFile {
    const file = this.state.files.find((each) => each.key === key);
    if (file === undefined) throw new Error(`There is no file ${key}.`);
    return file;
  }

  private update(key: number, change: Partial<HandedFile>): void {
    this.change({ files: this.state.files.map((file) => (file.key === key ? { ...file, ...change } : file)) });
  }

  private change(change: Partial<RunState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** Only a duplicate that the person may not see has none. */
function recordingOf({ recording }: UploadStatus): string {
  if (recording === null) throw new Error('the service did not say which recording it is.');
  return recording;
}
