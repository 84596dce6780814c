import { Injectable } from '@nestjs/common';
import { Custody, type CustodyEvent } from '#custody';
import { RecordingsService } from '#evidence';
import { attribution, type Caller, type PersonActor } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { Rendering, type Redaction } from './redaction.entity.js';
import { RedactionsService } from './redactions.service.js';

export interface Review {
  /** Of the plan, as the reviewer saw it rendered. */
  readonly version: number;
  readonly approved: boolean;
  /** A rejection needs one. */
  readonly note: string | null;
}

/** What a second person says of a rendered redaction, and its release. Of two at the same moment one is first, and the other is told so. */
@Injectable()
export class RedactionReviews {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly redactions: RedactionsService,
    private readonly recordings: RecordingsService,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound, Forbidden, RedactionNotNow, PlanChanged, RejectionUnexplained */
  async review(id: string, { version, approved, note }: Review, actor: PersonActor, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const deed = { kind: 'review', version, by: actor.human, approved, note } as const;
      const redaction = await this.redactions.proceed(tx, id, deed);
      const result = await this.resultOf(tx, redaction);
      const reviewed = { reviewedBy: actor.id, reviewedAt: this.clock.now(), approved, reviewNote: note };
      await tx.update(Rendering, { redactionId: id, version }, reviewed);
      const event = { type: 'redaction.reviewed', redaction: id, version, result, approved, note } as const;
      await this.onBothChains(tx, redaction, result, event, caller);
    });
  }

  /** From then on the result may be asked for by whoever may ask for any recording. @throws NotFound, Forbidden, RedactionNotNow */
  async release(id: string, actor: PersonActor, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const at = this.clock.now();
      const changes = { releasedBy: actor.id, releasedAt: at };
      const redaction = await this.redactions.proceed(tx, id, { kind: 'release', by: actor.human }, changes);
      const result = await this.resultOf(tx, redaction);
      await this.recordings.release(tx, result, at);
      const event = { type: 'redaction.released', redaction: id, version: redaction.version, result } as const;
      await this.onBothChains(tx, redaction, result, event, caller);
    });
  }

  private async resultOf(tx: Tx, { id, version }: Redaction): Promise<string> {
    const { resultId } = await tx.findOneByOrFail(Rendering, { redactionId: id, version });
    if (resultId === null) throw new Error(`redaction ${id} is rendered without a result`);
    return resultId;
  }

  /** Whoever is handed the copy gets its own story, and that tells who looked at it. */
  private async onBothChains(tx: Tx, { recordingId }: Redaction, result: string, event: CustodyEvent, by: Caller): Promise<void> {
    for (const subject of [recordingId, result]) await this.custody.append(tx, subject, event, attribution(by));
  }
}
