import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Custody, type DeliveredRange } from '#custody';
import { attribution, decide, Forbidden, type Caller } from '#identity';
import { Clock, UnitOfWork, type Problem, type Tx } from '#platform';
import { ReportDiffers, ReportedNotDelivered, TooManyReports } from './viewing-problems.js';
import { summarise } from './viewing-ranges.rules.js';
import { ViewingReport } from './viewing-report.entity.js';
import { TOLERANCE_MS, withinDelivered, type Reported } from './viewing-reports.rules.js';
import { Viewing, ViewingDelivery } from './viewing.entity.js';
import { ViewingsService } from './viewings.service.js';

const PER_MINUTE = 60;
const MINUTE_MS = 60_000;
const ACTION = 'viewing.report';

export interface PlayerReport extends Reported {
  /** The player's own number of it, used once. */
  readonly seq: number;
}

/** What viewers' players say they showed: kept apart from what was sent, and refused where it goes beyond that. */
@Injectable()
export class ViewingReports {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly viewings: ViewingsService,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts once, however often and in whatever order reports arrive. A refused report keeps its number and is on record once.
   * @returns what of it goes on record: that which had been sent. @throws NotFound, Forbidden, ReportDiffers, ReportedNotDelivered, TooManyReports
   */
  async take(id: string, report: PlayerReport, caller: Caller): Promise<readonly DeliveredRange[]> {
    const outcome = await this.unitOfWork.run(async (tx) => {
      const { resource } = await this.viewings.standing(id, { tx });
      const decision = decide(caller.actor, ACTION, resource, { now: this.clock.now() });
      const refused = (reason: string): Promise<string> =>
        this.custody.append(tx, resource.recording, { type: 'access.refused', action: ACTION, reason }, attribution(caller));
      if (!decision.allowed) {
        await refused(decision.reason);
        return new Forbidden(decision.reason);
      }
      const stored = await this.store(tx, id, report);
      if (stored.isNew && stored.problem !== null) await refused(stored.problem.code);
      return stored.problem ?? stored.played;
    });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  private async store(
    tx: Tx,
    viewingId: string,
    { seq, ...said }: PlayerReport,
  ): Promise<{ readonly isNew: boolean; readonly problem: Problem | null; readonly played: readonly DeliveredRange[] }> {
    const { played, seeks, pauses, hiddenMs, speedPercent } = said;
    const sha256 = createHash('sha256')
      .update(JSON.stringify([played.map(({ fromMs, toMs }) => [fromMs, toMs]), seeks, pauses, hiddenMs, speedPercent]))
      .digest();
    const before = await tx.findOneBy(ViewingReport, { viewingId, seq });
    if (before !== null) {
      if (!before.sha256.equals(sha256)) throw new ReportDiffers(seq);
      return { isNew: false, problem: before.refused ? new ReportedNotDelivered() : null, played: before.played };
    }
    await this.refuseFlood(tx, viewingId);
    const within = withinDelivered(played, await this.deliveredAround(tx, viewingId, played));
    const at = this.clock.now();
    const rest = { seeks, pauses, hiddenMs, speedPercent, at };
    await tx.insert(ViewingReport, { viewingId, seq, sha256, refused: within === undefined, played: within ?? [], ...rest });
    if (within === undefined) return { isNew: true, problem: new ReportedNotDelivered(), played: [] };
    await tx.update(Viewing, { id: viewingId }, { lastSeenAt: at });
    return { isNew: true, problem: null, played: within };
  }

  private async refuseFlood(tx: Tx, viewingId: string): Promise<void> {
    const since = new Date(this.clock.now().getTime() - MINUTE_MS);
    const recent = await tx
      .createQueryBuilder(ViewingReport, 'r')
      .where('r.viewing_id = :viewingId AND r.at > :since', { viewingId, since })
      .orderBy('r.at', 'DESC')
      .limit(PER_MINUTE)
      .getMany();
    const oldest = recent.at(-1);
    if (recent.length < PER_MINUTE || oldest === undefined) return;
    throw new TooManyReports(PER_MINUTE, Math.max(1, Math.ceil((oldest.at.getTime() - since.getTime()) / 1000)));
  }

  /** What was sent of the parts that a report speaks of: a viewing may have thousands of segments behind it. */
  private async deliveredAround(
    tx: Tx,
    viewingId: string,
    played: readonly DeliveredRange[],
  ): Promise<readonly DeliveredRange[]> {
    if (played.length === 0) return [];
    const deliveries = await tx
      .createQueryBuilder(ViewingDelivery, 'd')
      .where('d.viewing_id = :viewingId AND d.start_ms <= :until AND d.start_ms + d.duration_ms >= :from', {
        viewingId,
        from: Math.min(...played.map(({ fromMs }) => fromMs)) - TOLERANCE_MS,
        until: Math.max(...played.map(({ toMs }) => toMs)) + TOLERANCE_MS,
      })
      .getMany();
    return summarise(deliveries).delivered;
  }
}
