import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { NotSealed, RecordingsService } from '#evidence';
import { attribution, type Caller, type PersonActor } from '#identity';
import { checkPlan, type RedactionPlan } from '#media';
import { Clock, NotFound, Outbox, Problem, UnitOfWork } from '#platform';
import { canonicalize, type Json } from '#tlog';
import { Redaction } from './redaction.entity.js';

export class PlanFaulty extends Problem {
  constructor(faults: readonly string[]) {
    super(422, 'plan-faulty', 'The plan does not fit the recording', faults.join(' '), { faults });
  }
}

/** The plan as it is hashed and handed to an expert. */
export function planText(plan: RedactionPlan): string {
  return canonicalize(plan as unknown as Json);
}

@Injectable()
export class RedactionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound, NotSealed, PlanFaulty */
  async order(recordingId: string, plan: RedactionPlan, reason: string, actor: PersonActor, caller: Caller): Promise<Redaction> {
    const recording = await this.recordings.get(recordingId);
    if (recording.state !== 'sealed' || recording.probe === null) throw new NotSealed(recording.state, recording.reason);
    const faults = checkPlan(plan, recording.probe);
    if (faults.length > 0) throw new PlanFaulty(faults);
    const redaction: Redaction = {
      id: uuidv7(),
      recordingId,
      plan,
      planSha256: createHash('sha256').update(planText(plan)).digest(),
      reason,
      authorId: actor.id,
      state: 'rendering',
      failure: null,
      resultId: null,
      createdAt: this.clock.now(),
      finishedAt: null,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(Redaction, redaction);
      const details = { redaction: redaction.id, regions: plan.regions.length, mutes: plan.mutes.length, reason };
      const event = { type: 'redaction.ordered', ...details, sha256: redaction.planSha256.toString('hex') } as const;
      await this.custody.append(tx, recordingId, event, attribution(caller));
      await this.outbox.add(tx, 'redact', redaction.id);
    });
    return redaction;
  }

  /** @throws NotFound */
  async get(id: string): Promise<Redaction> {
    const redaction = await this.unitOfWork.reader.findOneBy(Redaction, { id });
    if (redaction === null) throw new NotFound('redaction');
    return redaction;
  }

  /** Of one recording, oldest first. */
  async of(recordingId: string): Promise<Redaction[]> {
    return this.unitOfWork.reader.find(Redaction, { where: { recordingId }, order: { id: 'ASC' } });
  }

  /** The order that a redacted recording came from; null for an original. */
  async behind(resultId: string): Promise<Redaction | null> {
    return this.unitOfWork.reader.findOneBy(Redaction, { resultId });
  }
}
