import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, Outbox, UnitOfWork, type Config, type Tx } from '#platform';
import type { Probe } from '#media';
import { ObjectStore } from '#storage';
import { FixityChecks } from './fixity-checks.service.js';
import { originalKey } from './original-key.js';
import { readBack } from './read-back.js';
import { Recording } from './recording.entity.js';
import { SealingService } from './sealing.service.js';

export interface DerivedFile {
  readonly id: string;
  readonly parent: Recording;
  readonly path: string;
  readonly name: string;
  readonly sha256: Buffer;
  readonly size: number;
  readonly probe: Probe;
}

/** Thrown when the store gives back other bytes than it was given. */
export class StoredBytesDiffer extends Error {}

/** Recordings that are made here from others. They are sealed by the same rule: what is stored, read back, is what was made. */
@Injectable()
export class DerivedRecordings {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly outbox: Outbox,
    private readonly store: ObjectStore,
    private readonly sealing: SealingService,
    private readonly fixity: FixityChecks,
    private readonly clock: Clock,
  ) {}

  /** `alongside` runs in the sealing transaction; it returns false when the work was done already, and then nothing is kept. */
  async seal(file: DerivedFile, alongside: (tx: Tx) => Promise<boolean>): Promise<void> {
    const version = await this.store.putFile(this.config.S3_EVIDENCE_BUCKET, originalKey(file.id), file.path, 'video/mp4');
    const { sha256 } = await readBack(this.store, version);
    if (!sha256.equals(file.sha256)) throw new StoredBytesDiffer('what was stored differs from what was made');
    const retainUntil = this.sealing.retainUntil();
    await this.store.retainUntil(version, retainUntil, this.config.OBJECT_LOCK_MODE);
    const now = this.clock.now();
    const { parent } = file;
    const recording: Recording = {
      id: file.id,
      manifestId: null,
      dockId: null,
      parentId: parent.id,
      name: file.name,
      size: file.size,
      sha256: file.sha256,
      origin: 'derived',
      handedInBy: null,
      camera: parent.camera,
      counter: null,
      officerBadge: parent.officerBadge,
      officerId: parent.officerId,
      recordedAt: parent.recordedAt,
      clockOffsetMs: parent.clockOffsetMs,
      preEventSeconds: null,
      category: parent.category,
      flagged: parent.flagged,
      gpsTrack: null,
      state: 'sealing',
      reason: null,
      bucket: version.bucket,
      key: version.key,
      uploadId: null,
      versionId: version.versionId,
      partSize: 0,
      probe: file.probe,
      announcedAt: now,
      receivedAt: now,
      sealedAt: null,
      sealedEntry: null,
      fixityDueAt: null,
      fixityCheckedAt: null,
      fixityFailedAt: null,
      releasedAt: null,
    };
    await this.unitOfWork
      .run(async (tx) => {
        await tx.insert(Recording, recording);
        if (!(await alongside(tx))) throw new AlreadyDone();
        const sealedEntry = await this.sealing.appendSealed(tx, recording, version, retainUntil);
        await tx.update(
          Recording,
          { id: recording.id },
          { state: 'sealed', sealedAt: now, sealedEntry, fixityDueAt: this.fixity.nextDue(recording.id) },
        );
        // Whoever had it redacted waits for it.
        await this.outbox.add(tx, 'transcode', recording.id, {
          recording: recording.id,
          flagged: recording.flagged,
          awaited: true,
        });
      })
      .catch((error: unknown) => {
        if (!(error instanceof AlreadyDone)) throw error;
      });
  }
}

/** Takes the transaction back without a failure. */
class AlreadyDone extends Error {}
