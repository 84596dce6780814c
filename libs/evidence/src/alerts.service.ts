import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { attribution, person, type Caller } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { Alert, type AlertKind } from './alert.entity.js';
import { AlertAcknowledged } from './evidence-problems.js';

export interface AlertFilter {
  /** True: nobody has taken note of it yet. False: somebody has. */
  readonly open?: boolean | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

@Injectable()
export class AlertsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** In the transaction of what it is about, which writes its own custody entry. @param detail a sentence */
  async raise(tx: Tx, kind: AlertKind, recordingId: string, detail: string): Promise<void> {
    const nobody = { acknowledgedAt: null, acknowledgedBy: null, note: null };
    await tx.insert(Alert, { id: uuidv7(), kind, recordingId, detail, raisedAt: this.clock.now(), ...nobody });
  }

  /** Newest first. */
  async list({ open, after, limit }: AlertFilter): Promise<{ alerts: Alert[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Alert, 'a')
      .orderBy('a.id', 'DESC')
      .limit(limit + 1);
    if (open !== undefined) query.andWhere(`a.acknowledged_at IS ${open ? 'NULL' : 'NOT NULL'}`);
    if (after !== undefined) query.andWhere('a.id < :after', { after });
    const rows = await query.getMany();
    const alerts = rows.slice(0, limit);
    return { alerts, next: rows.length > limit ? (alerts.at(-1)?.id ?? null) : null };
  }

  /** Once, on the recording's record. The same person may send the same again: its answer may have been lost. @throws NotFound, AlertAcknowledged */
  async acknowledge(id: string, note: string, caller: Caller): Promise<Alert> {
    const by = person(caller);
    return this.unitOfWork.run(async (tx) => {
      const alert = await tx.findOne(Alert, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (alert === null) throw new NotFound('alert');
      if (alert.acknowledgedAt !== null) {
        if (alert.acknowledgedBy === by.id && alert.note === note) return alert;
        throw new AlertAcknowledged(alert.acknowledgedAt);
      }
      const noted: Alert = { ...alert, acknowledgedAt: this.clock.now(), acknowledgedBy: by.id, note };
      await tx.save(Alert, noted);
      const event = { type: 'alert.acknowledged', alert: id, kind: alert.kind, note } as const;
      await this.custody.append(tx, alert.recordingId, event, attribution(caller));
      return noted;
    });
  }
}
