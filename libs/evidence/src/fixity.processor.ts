import { Injectable, Logger } from '@nestjs/common';
import { Custody, CustodyLog, payloadOf } from '#custody';
import { system } from '#identity';
import { Clock, UnitOfWork, type JobContext, type JobHandler } from '#platform';
import { ObjectMissing, ObjectStore, type StoredVersion } from '#storage';
import { AlertsService } from './alerts.service.js';
import { FixityCheck } from './fixity-check.entity.js';
import { FixityChecks } from './fixity-checks.service.js';
import { fixityProblem, type FoundVersion } from './fixity.rules.js';
import { READ_BACK, readBack } from './read-back.js';
import { Recording } from './recording.entity.js';

const BY = system('fixity');

interface Finding {
  readonly found: FoundVersion | undefined;
  readonly problem: string | undefined;
}

/** Job `fixity`: is the stored version, hashed again, still what was sealed, and locked for as long? */
@Injectable()
export class FixityProcessor implements JobHandler {
  private readonly logger = new Logger('Fixity');

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly store: ObjectStore,
    private readonly checks: FixityChecks,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async run(checkId: string, { signal }: JobContext): Promise<void> {
    const check = await this.unitOfWork.reader.findOneByOrFail(FixityCheck, { id: checkId });
    if (check.endedAt !== null) return;
    const recording = await this.unitOfWork.reader.findOneByOrFail(Recording, { id: check.recordingId });
    const lockedUntil = await this.sealedUntil(recording);
    let finding = await this.examine(recording, lockedUntil, signal);
    // A bit that turned on its way here is nobody's tampering, and the record cannot be taken back: only what is seen twice goes on it.
    if (finding.problem !== undefined) finding = await this.examine(recording, lockedUntil, signal);
    if (await this.conclude(checkId, recording, finding))
      this.logger.error({ recording: recording.id, check: checkId }, 'a stored recording is no longer what was sealed');
  }

  /** Only when the worker dies of it: else it is tried until the infrastructure is mended. The check stays open and is overdue for health. */
  async gaveUp(): Promise<void> {}

  /** Until when sealing locked it, as its custody entry says; null when that was erased. */
  private async sealedUntil({ sealedEntry }: Recording): Promise<Date | null> {
    if (sealedEntry === null) return null;
    const said = payloadOf(await this.log.sequenced(sealedEntry))?.event['retainUntil'];
    return typeof said === 'string' ? new Date(said) : null;
  }

  private async examine(recording: Recording, lockedUntil: Date | null, signal: AbortSignal): Promise<Finding> {
    const found = await this.find(recording, signal);
    return { found, problem: fixityProblem({ size: recording.size, sha256: recording.sha256, lockedUntil }, found) };
  }

  /** @throws StorageUnavailable, and whatever else is a fault of the store and not of what it holds */
  private async find(recording: Recording, signal: AbortSignal): Promise<FoundVersion | undefined> {
    const { bucket, key, size, versionId } = recording;
    if (versionId === null) throw new Error('a sealed recording has no version');
    const version: StoredVersion = { bucket, key, size, versionId };
    try {
      const read = await readBack(this.store, version, { signal });
      return { ...read, lock: await this.store.retention(version) };
    } catch (error) {
      if (error instanceof ObjectMissing) return undefined;
      throw error;
    }
  }

  /** @returns whether it failed, and this is the first to say so */
  private async conclude(checkId: string, { id: recordingId }: Recording, { found, problem }: Finding): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      const recording = await tx.findOneOrFail(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
      const { endedAt } = await tx.findOneByOrFail(FixityCheck, { id: checkId });
      if (endedAt !== null) return false;
      const now = this.clock.now();
      const failed = problem !== undefined;
      await tx.update(
        FixityCheck,
        { id: checkId },
        { endedAt: now, outcome: failed ? 'failed' : 'verified', problem: problem ?? null },
      );
      await tx.update(
        Recording,
        { id: recordingId },
        {
          fixityCheckedAt: now,
          fixityDueAt: this.checks.nextDue(recordingId),
          // Never taken back, not even by a check that finds everything in order again: somebody was at it.
          fixityFailedAt: recording.fixityFailedAt ?? (failed ? now : null),
        },
      );
      const said = { versionId: recording.versionId ?? '', method: READ_BACK, sha256: recording.sha256.toString('hex') };
      if (!failed) {
        await this.custody.append(tx, recordingId, { type: 'fixity.verified', size: recording.size, ...said }, BY);
        return false;
      }
      const sha256 = found?.sha256.toString('hex') ?? null;
      await this.custody.append(tx, recordingId, { type: 'fixity.failed', problem, found: sha256, ...said }, BY);
      await this.alerts.raise(tx, 'fixity-failed', recordingId, problem);
      return true;
    });
  }
}
