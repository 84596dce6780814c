import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { attribution, type Caller, type PersonActor } from '#identity';
import type { RedactionPlan } from '#media';
import { Clock, Outbox, UnitOfWork, type Tx } from '#platform';
import { PlanChecks } from './plan-checks.service.js';
import { planSha256 } from './plan-text.js';
import { Redaction, Rendering, SavedPlan } from './redaction.entity.js';
import { RedactionsService } from './redactions.service.js';

export interface NewRedaction {
  readonly plan: RedactionPlan;
  readonly reason: string;
}

export interface NewVersion {
  readonly plan: RedactionPlan;
  /** The version that this one was made from. */
  readonly version: number;
  readonly note?: string | undefined;
}

/** What authors do: save plans, have one rendered, give a redaction up. Each step is on record in the transaction that takes it. */
@Injectable()
export class RedactionDrafts {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly redactions: RedactionsService,
    private readonly checks: PlanChecks,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** @returns the redaction's id @throws NotFound, NotSealed, CopyNotReleased, PlanFaulty */
  async draft(recordingId: string, drafted: NewRedaction, actor: PersonActor, caller: Caller): Promise<string> {
    return this.begin(recordingId, drafted, actor, caller);
  }

  /** Drafts and orders in one step. @returns the redaction's id @throws NotFound, NotSealed, CopyNotReleased, PlanFaulty */
  async order(recordingId: string, ordered: NewRedaction, actor: PersonActor, caller: Caller): Promise<string> {
    return this.begin(recordingId, ordered, actor, caller, (tx, id) => this.orderRendering(tx, id, 1, actor, caller));
  }

  /** @throws NotFound, PlanFaulty, PlanChanged when another saved meanwhile, RedactionNotNow */
  async save(id: string, { plan, version, note }: NewVersion, actor: PersonActor, caller: Caller): Promise<void> {
    const { recordingId } = await this.redactions.get(id);
    await this.checks.mustFit(plan, recordingId);
    await this.unitOfWork.run(async (tx) => {
      const redaction = await this.redactions.proceed(tx, id, { kind: 'save', version }, { version: version + 1 });
      await this.keep(tx, redaction, plan, note ?? null, actor, caller);
    });
  }

  /** Has exactly this version rendered, which must be the newest. @throws NotFound, PlanChanged, RedactionNotNow */
  async render(id: string, version: number, actor: PersonActor, caller: Caller): Promise<void> {
    await this.unitOfWork.run((tx) => this.orderRendering(tx, id, version, actor, caller));
  }

  /** For good. What was rendered stays sealed and is never released. @throws NotFound, RedactionNotNow */
  async discard(id: string, reason: string, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { recordingId } = await this.redactions.proceed(tx, id, { kind: 'discard' });
      const renderings = await tx.findBy(Rendering, { redactionId: id });
      const finishedAt = this.clock.now();
      const failure = 'The redaction was given up while it was rendered.';
      for (const open of renderings.filter((rendering) => rendering.finishedAt === null)) {
        await tx.update(Rendering, { id: open.id }, { finishedAt, failure });
        await this.redactions.stopRendering(tx, recordingId, open);
      }
      const results = renderings.flatMap(({ resultId }) => resultId ?? []);
      for (const subject of [recordingId, ...results])
        await this.custody.append(tx, subject, { type: 'redaction.discarded', redaction: id, reason }, attribution(caller));
    });
  }

  private async begin(
    recordingId: string,
    { plan, reason }: NewRedaction,
    actor: PersonActor,
    caller: Caller,
    alongside: (tx: Tx, id: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    await this.redactions.mustBeRedactable(recordingId);
    await this.checks.mustFit(plan, recordingId);
    const redaction: Redaction = {
      id: uuidv7(),
      recordingId,
      version: 1,
      reason,
      authorId: actor.id,
      state: 'draft',
      createdAt: this.clock.now(),
      releasedBy: null,
      releasedAt: null,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(Redaction, redaction);
      await this.keep(tx, redaction, plan, null, actor, caller);
      await alongside(tx, redaction.id);
    });
    return redaction.id;
  }

  private async keep(
    tx: Tx,
    { id, recordingId, version, reason }: Redaction,
    plan: RedactionPlan,
    note: string | null,
    actor: PersonActor,
    caller: Caller,
  ): Promise<void> {
    const sha256 = planSha256(plan);
    await tx.insert(SavedPlan, { redactionId: id, version, plan, sha256, authorId: actor.id, savedAt: this.clock.now(), note });
    const covered = { regions: plan.regions.length, mutes: plan.mutes.length, reason, ...(note === null ? {} : { note }) };
    const event = { type: 'redaction.drafted', redaction: id, version, ...covered, sha256: sha256.toString('hex') } as const;
    await this.custody.append(tx, recordingId, event, attribution(caller));
  }

  private async orderRendering(tx: Tx, id: string, version: number, actor: PersonActor, caller: Caller): Promise<void> {
    const { recordingId, reason } = await this.redactions.proceed(tx, id, { kind: 'render', version });
    const { plan, sha256 } = await this.redactions.plan(id, version, tx);
    const rendering = tx.create(Rendering, {
      id: uuidv7(),
      redactionId: id,
      version,
      orderedBy: actor.id,
      orderedAt: this.clock.now(),
    });
    await tx.insert(Rendering, rendering);
    const covered = { regions: plan.regions.length, mutes: plan.mutes.length, reason };
    const event = { type: 'redaction.ordered', redaction: id, version, ...covered, sha256: sha256.toString('hex') } as const;
    await this.custody.append(tx, recordingId, event, attribution(caller));
    await this.outbox.add(tx, 'redact', rendering.id, await this.redactions.jobSubject(recordingId));
  }
}
