import { Injectable } from '@nestjs/common';
import { Custody, type Attribution } from '#custody';
import { Outbox, type Tx } from '#platform';
import type { Manifest } from '#tlog';
import { AlertsService } from './alerts.service.js';
import { Recording } from './recording.entity.js';

const REASON =
  'A docking station announced the same file under its signature, which comes before a file that a person only said they had.';

/** Whose upload goes on when two have announced the same file. */
@Injectable()
export class UploadPrecedence {
  constructor(
    private readonly custody: Custody,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  /**
   * A hand-in that has not been sent whole makes way for a dock: else whoever knows the hash of a recording could keep it out by saying
   * that they will hand it in. @returns whether it did
   */
  async makeWay(tx: Tx, holder: Recording, { id: manifest, dock }: Manifest, by: Attribution): Promise<boolean> {
    if (holder.origin !== 'handed-in' || holder.state !== 'receiving') return false;
    const { state } = await tx.findOneOrFail(Recording, { where: { id: holder.id }, lock: { mode: 'pessimistic_write' } });
    if (state !== 'receiving') return false;
    await tx.update(Recording, { id: holder.id }, { state: 'expired', reason: REASON });
    const event = { type: 'upload.superseded', manifest, dock, sha256: holder.sha256.toString('hex') } as const;
    await this.custody.append(tx, holder.id, event, by);
    await this.alerts.raise(tx, 'upload-expired', holder.id, REASON);
    await this.outbox.add(tx, 'drop-upload', holder.id, { recording: holder.id, flagged: holder.flagged });
    return true;
  }
}
