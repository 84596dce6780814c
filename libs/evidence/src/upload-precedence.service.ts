import { Injectable } from '@nestjs/common';
import { Custody, type Attribution } from '#custody';
import { DocksService } from '#identity';
import { Outbox, type Tx } from '#platform';
import type { Manifest } from '#tlog';
import { AlertsService } from './alerts.service.js';
import { Recording } from './recording.entity.js';

const REASONS = {
  'handed-in':
    'A docking station announced the same file under its signature, which comes before a file that a person only said they had.',
  revoked: 'The docking station that announced the file was revoked before it had sent it whole, and another one has it.',
} as const;

/** Whose upload goes on when two have announced the same file. */
@Injectable()
export class UploadPrecedence {
  constructor(
    private readonly custody: Custody,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
    private readonly docks: DocksService,
  ) {}

  /**
   * What was not sent whole makes way for a dock if its sender may not, or need not, send the rest: a person who handed it in, else whoever
   * knows the hash of a recording could keep it out by saying that they will hand it in; and a dock that was revoked. @returns whether it did
   */
  async makeWay(tx: Tx, holder: Recording, { id: manifest, dock }: Manifest, by: Attribution): Promise<boolean> {
    if (holder.state !== 'receiving') return false;
    const reason = await this.reasonOf(holder);
    if (reason === undefined) return false;
    const { state } = await tx.findOneOrFail(Recording, { where: { id: holder.id }, lock: { mode: 'pessimistic_write' } });
    if (state !== 'receiving') return false;
    await tx.update(Recording, { id: holder.id }, { state: 'expired', reason });
    const event = { type: 'upload.superseded', manifest, dock, sha256: holder.sha256.toString('hex') } as const;
    await this.custody.append(tx, holder.id, event, by);
    await this.alerts.raise(tx, 'upload-expired', holder.id, reason);
    await this.outbox.add(tx, 'drop-upload', holder.id, { recording: holder.id, flagged: holder.flagged });
    return true;
  }

  private async reasonOf({ origin, dockId }: Recording): Promise<string | undefined> {
    if (origin === 'handed-in') return REASONS[origin];
    const dock = dockId === null ? null : await this.docks.get(dockId);
    // It cannot come back: a revoked dock that is taken into service again has another key and another name.
    return dock?.revokedAt == null ? undefined : REASONS.revoked;
  }
}
