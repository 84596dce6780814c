import { Inject, Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { system } from '#identity';
import { Clock, CONFIG, Outbox, UnitOfWork, type Config, type Tx } from '#platform';
import { AlertsService } from './alerts.service.js';
import { Recording } from './recording.entity.js';
import { expiryLimit, idleSince, whyExpired } from './upload-expiry.rules.js';
import { missingParts } from './upload-parts.rules.js';
import { UploadsService } from './uploads.service.js';

const BY = system('upload-expiry');
const AT_ONCE = 100;

interface Idle {
  readonly recording: Recording;
  readonly since: Date;
  readonly received: readonly number[];
}

/** Gives up uploads that nobody goes on with. Never silently: an entry, an alert, and an answer for the dock that comes back. */
@Injectable()
export class UploadExpiry {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'UPLOAD_IDLE_HOURS'>,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly outbox: Outbox,
    private readonly uploads: UploadsService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  /** Those that may be idle, longest waiting first; several workers may find the same. */
  async candidates(): Promise<string[]> {
    const rows = await this.unitOfWork.reader.query<{ id: string }[]>(
      `SELECT id FROM recordings r WHERE state = 'receiving' AND announced_at <= $1
         AND NOT EXISTS (SELECT FROM upload_parts p WHERE p.recording_id = r.id AND p.received_at > $1)
       ORDER BY announced_at LIMIT ${AT_ONCE}`,
      [this.limit()],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Asks again under the lock that a part or a completion waits for, so that what was added a moment ago counts.
   * What arrived whole, and only was not said to be complete, is not thrown away: it is sealed as if its sender had said so.
   */
  async settle(recordingId: string): Promise<'expired' | 'completed' | 'going on'> {
    const outcome = await this.unitOfWork.run(async (tx) => {
      const idle = await this.lockIdle(tx, recordingId);
      if (idle === undefined) return 'going on';
      const { size, partSize } = idle.recording;
      const missing = missingParts(size, partSize, idle.received);
      if (missing.length === 0) return 'completed';
      await this.expire(tx, idle, missing.length);
      return 'expired';
    });
    if (outcome === 'completed') await this.uploads.complete(recordingId);
    return outcome;
  }

  private limit(): Date {
    return expiryLimit(this.clock.now(), this.config.UPLOAD_IDLE_HOURS);
  }

  private async lockIdle(tx: Tx, recordingId: string): Promise<Idle | undefined> {
    const recording = await tx.findOneOrFail(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
    if (recording.state !== 'receiving') return undefined;
    const parts = await tx.query<{ part: number; received_at: Date }[]>(
      'SELECT part, received_at FROM upload_parts WHERE recording_id = $1 ORDER BY received_at DESC',
      [recordingId],
    );
    const since = idleSince(recording.announcedAt, parts[0]?.received_at ?? null);
    return since > this.limit() ? undefined : { recording, since, received: parts.map(({ part }) => part) };
  }

  private async expire(tx: Tx, { recording, since, received }: Idle, partsMissing: number): Promise<void> {
    const reason = whyExpired(since, received.length, partsMissing);
    await tx.update(Recording, { id: recording.id }, { state: 'expired', reason });
    await this.custody.append(
      tx,
      recording.id,
      {
        type: 'upload.expired',
        partsReceived: received.length,
        partsMissing,
        idleSince: since.toISOString(),
        sha256: recording.sha256.toString('hex'),
      },
      BY,
    );
    await this.alerts.raise(tx, 'upload-expired', recording.id, reason);
    await this.outbox.add(tx, 'drop-upload', recording.id, { recording: recording.id, flagged: recording.flagged });
  }
}
