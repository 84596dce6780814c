import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { system } from '#identity';
import { checkWhole, MediaError, probe, type MediaErrorCode, type Probe } from '#media';
import { Clock, CONFIG, Outbox, UnitOfWork, type Config, type JobContext, type JobHandler, type Tx } from '#platform';
import { ObjectStore, PartRefused, type StoredVersion } from '#storage';
import { AlertsService } from './alerts.service.js';
import { lieOfName } from './container-extension.rules.js';
import { FixityChecks } from './fixity-checks.service.js';
import { READ_BACK } from './read-back.js';
import { Recording } from './recording.entity.js';
import { UploadPart } from './upload-part.entity.js';
import { WorkSpace } from './work-space.js';

const BY = system('sealing');

const CANNOT_BE_PUT_TOGETHER: Readonly<Partial<Record<PartRefused['reason'], string>>> = {
  // The store dropped the parts by itself, or several wrote to the key.
  'unknown-upload':
    'The object store no longer has the parts of this file, so it cannot be put together. Announce the file again to send it.',
  // A part came twice, with other bytes, and the store kept another of them than is on record.
  'other-parts':
    'The object store has other parts of this file than were taken, so it cannot be put together. Announce the file again to send it.',
};

/**
 * What says something of the file, not of this machine. Its limits too: a file that takes hours or all memory to look at would be looked at
 * for ever. Not a picture that cannot be decoded: such a file is what was recorded, whole, and only this installation cannot show it.
 */
const UNFIT: readonly MediaErrorCode[] = ['unreadable', 'no-video', 'truncated', 'time-limit', 'over-limit'];

/** What a file turned out to be, once read back. */
type Verdict = { readonly sealed: true; readonly probe: Probe } | { readonly sealed: false; readonly problem: string };

/** Job `seal`: what is in the store, read back, is what the dock signed, or the recording is quarantined. DESIGN.md §4 */
@Injectable()
export class SealingService implements JobHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly outbox: Outbox,
    private readonly store: ObjectStore,
    private readonly workSpace: WorkSpace,
    private readonly alerts: AlertsService,
    private readonly fixity: FixityChecks,
    private readonly clock: Clock,
  ) {}

  async run(recordingId: string, { signal }: JobContext): Promise<void> {
    const recording = await this.unitOfWork.reader.findOneByOrFail(Recording, { id: recordingId });
    if (recording.state !== 'sealing') return;
    const version = await this.storedVersion(recording).catch((error: unknown) => {
      // However often it is asked, the store gives the same answer.
      const problem = error instanceof PartRefused ? CANNOT_BE_PUT_TOGETHER[error.reason] : undefined;
      if (problem !== undefined) return problem;
      throw error;
    });
    if (typeof version === 'string') return this.quarantine(recording, version);
    const verdict = await this.examine(recording, version, signal);
    if (verdict.sealed) await this.seal(recording, version, verdict.probe);
    else await this.quarantine(recording, verdict.problem);
  }

  /**
   * What can fail here is the infrastructure, and the job is tried until that is mended; but not when the worker dies of it. Then the
   * recording stays as it arrived until somebody has it tried again, and nobody must have to look for it.
   */
  async gaveUp(recordingId: string, error: Error): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { state } = await tx.findOneOrFail(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
      if (state === 'sealing') await this.alerts.raise(tx, 'sealing-stuck', recordingId, error.message);
    });
  }

  /** How long a version that is sealed now stays locked. */
  retainUntil(): Date {
    return new Date(this.clock.now().getTime() + this.config.RETENTION_DAYS * 86_400_000);
  }

  /** Seals within the caller's transaction; shared with recordings that are made here. @returns the entry's id */
  async appendSealed(tx: Tx, recording: Recording, version: StoredVersion, retainUntil: Date): Promise<string> {
    return this.custody.append(
      tx,
      recording.id,
      {
        type: 'recording.sealed',
        size: recording.size,
        bucket: version.bucket,
        key: version.key,
        versionId: version.versionId,
        retainUntil: retainUntil.toISOString(),
        method: READ_BACK,
        parent: recording.parentId,
        sha256: recording.sha256.toString('hex'),
      },
      BY,
    );
  }

  private async storedVersion(recording: Recording): Promise<StoredVersion> {
    const { bucket, key, size } = recording;
    if (recording.versionId !== null) return { bucket, key, size, versionId: recording.versionId };
    const version =
      recording.uploadId === null ? await this.putEmpty(recording) : await this.completeUpload(recording, recording.uploadId);
    await this.unitOfWork.reader.update(Recording, { id: recording.id }, { versionId: version.versionId });
    return version;
  }

  private async completeUpload({ id, bucket, key }: Recording, uploadId: string): Promise<StoredVersion> {
    const parts = await this.unitOfWork.reader.find(UploadPart, { where: { recordingId: id }, order: { part: 'ASC' } });
    return this.store.completeMultipart({ bucket, key, uploadId }, parts);
  }

  /** A file of no bytes has no parts, but it was handed in: it is kept and quarantined like any other that fails a check. */
  private async putEmpty({ bucket, key }: Recording): Promise<StoredVersion> {
    return this.store.put(bucket, key, Buffer.alloc(0), 'application/octet-stream');
  }

  private async examine(recording: Recording, version: StoredVersion, signal: AbortSignal): Promise<Verdict> {
    const examine = async (folder: string): Promise<Verdict> => {
      const path = join(folder, 'original');
      const read = await this.workSpace.fetch(version, path, signal);
      if (read.size !== recording.size)
        return { sealed: false, problem: `The stored file has ${read.size} bytes; the manifest says ${recording.size}.` };
      if (!read.sha256.equals(recording.sha256))
        return {
          sealed: false,
          problem: `The stored file's SHA-256 is ${read.sha256.toString('hex')}; the manifest says ${recording.sha256.toString('hex')}.`,
        };
      try {
        const found = await probe(this.workSpace.tools, path, signal);
        const lie = lieOfName(recording.name, found.container);
        if (lie !== undefined) return { sealed: false, problem: lie };
        await checkWhole(this.workSpace.tools, path, found, signal);
        return { sealed: true, probe: found };
      } catch (error) {
        if (error instanceof MediaError && UNFIT.includes(error.code)) return { sealed: false, problem: error.message };
        throw error;
      }
    };
    // It is never given up: a file larger than all the room goes in alone.
    const bytes = Math.min(recording.size, this.workSpace.room.bytes);
    return this.workSpace.with(examine, { bytes, signal });
  }

  private async seal(recording: Recording, version: StoredVersion, found: Probe): Promise<void> {
    const retainUntil = this.retainUntil();
    await this.store.retainUntil(version, retainUntil, this.config.OBJECT_LOCK_MODE);
    await this.whileSealing(recording, async (tx) => {
      const sealedEntry = await this.appendSealed(tx, recording, version, retainUntil);
      await tx.update(
        Recording,
        { id: recording.id },
        {
          state: 'sealed',
          probe: found,
          sealedAt: this.clock.now(),
          sealedEntry,
          fixityDueAt: this.fixity.nextDue(recording.id),
        },
      );
      await this.outbox.add(tx, 'transcode', recording.id, { recording: recording.id, flagged: recording.flagged });
    });
  }

  private async quarantine(recording: Recording, problem: string): Promise<void> {
    await this.whileSealing(recording, async (tx) => {
      await tx.update(Recording, { id: recording.id }, { state: 'quarantined', reason: problem });
      const event = { type: 'recording.quarantined', problem, sha256: recording.sha256.toString('hex') } as const;
      await this.custody.append(tx, recording.id, event, BY);
      await this.alerts.raise(tx, 'quarantined', recording.id, problem);
    });
  }

  private async whileSealing(recording: Recording, change: (tx: Tx) => Promise<void>): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const current = await tx.findOneOrFail(Recording, { where: { id: recording.id }, lock: { mode: 'pessimistic_write' } });
      if (current.state === 'sealing') await change(tx);
    });
  }
}
