import { Injectable } from '@nestjs/common';
import { Any, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { isReleased } from '#evidence';
import { attribution, decide, type Caller, type GrantAction, type PersonActor, type Resource } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { AccessPolicyService } from '../policy/access-policy.service.js';
import type { DecisionRule } from '../policy/access-policy.rules.js';
import { RequestStateForbids, UntilFaulty } from '../access-problems.js';
import { AccessRequest, AccessRequestItem } from './access-request.entity.js';
import { AccessRequestItems } from './access-request-items.service.js';
import { faultOfUntil, mayBe, type Purpose } from './access-request.rules.js';
import { insertRows } from './many-rows.js';
import { RecordingLock } from '../locks/recording-lock.entity.js';
import { Refused, RefusalsOnRecord } from './refusals-on-record.js';
import { RequestTargets, type RequestTarget, type TargetRecording } from './request-targets.js';

export interface NewAccessRequest {
  readonly target: RequestTarget;
  readonly purpose: Purpose;
  readonly caseNumber: string;
  readonly justification: string;
  readonly asked: readonly GrantAction[];
  readonly until: Date;
}

export interface RequestWithItems {
  readonly request: AccessRequest;
  readonly items: readonly AccessRequestItem[];
}

function inWords({ name, seats, need }: DecisionRule): string {
  return `${name}: ${need} of ${seats.join(', ')}`;
}

/** Asking for access: drafts, and what happens when a request is put forward. */
@Injectable()
export class AccessRequestsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly targets: RequestTargets,
    private readonly policies: AccessPolicyService,
    private readonly items: AccessRequestItems,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /**
   * Each item keeps the rule that the policy has for it at this moment.
   * @throws UntilFaulty, InvalidRequest, Forbidden, and what RequestTargets.resolve does
   */
  async submit(asked: NewAccessRequest, actor: PersonActor, caller: Caller): Promise<RequestWithItems> {
    const request = this.begin(asked, actor);
    return this.refusals.of('access-request.submit', caller, () =>
      this.unitOfWork.run(async (tx) => {
        await tx.insert(AccessRequest, request);
        return this.putForward(tx, request, caller);
      }),
    );
  }

  /** Concerns nobody yet but whoever writes it, and is on no record. @throws InvalidRequest */
  async draft(asked: NewAccessRequest, actor: PersonActor): Promise<RequestWithItems> {
    const request = this.begin(asked, actor);
    await this.unitOfWork.reader.insert(AccessRequest, request);
    return { request, items: [] };
  }

  /** @throws NotFound, RequestStateForbids, InvalidRequest */
  async change(id: string, asked: NewAccessRequest): Promise<RequestWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const request = await this.items.lock(tx, id);
      if (!mayBe(request.state, 'change')) throw new RequestStateForbids('changed', request.state);
      const changed = this.contentOf(asked);
      await tx.update(AccessRequest, { id }, changed);
      return { request: Object.assign(request, changed), items: [] };
    });
  }

  /** @throws NotFound, RequestStateForbids, and what `submit` does */
  async submitDraft(id: string, caller: Caller): Promise<RequestWithItems> {
    return this.refusals.of('access-request.submit', caller, () =>
      this.unitOfWork.run(async (tx) => {
        const request = await this.items.lock(tx, id);
        if (!mayBe(request.state, 'submit')) throw new RequestStateForbids('submitted', request.state);
        return this.putForward(tx, request, caller);
      }),
    );
  }

  /** As AccessRequestItems.facts. @throws NotFound */
  async facts(id: string, tx: Tx = this.unitOfWork.reader): Promise<Resource & { kind: 'access-request' }> {
    return this.items.facts(id, [], tx);
  }

  private begin(asked: NewAccessRequest, actor: PersonActor): AccessRequest {
    return {
      ...this.contentOf(asked),
      ...{ id: uuidv7(), requestedBy: actor.id, state: 'draft', createdAt: this.clock.now() },
      ...{ dueAt: null, submittedAt: null, remindedAt: null, closedAt: null },
      ...{ breakGlass: false, reviewedBy: null, reviewedAt: null, justified: null, reviewNote: null },
      ...{ decidedBy: null, decidedAt: null, decisionReason: null },
    };
  }

  private contentOf({
    target,
    purpose,
    caseNumber,
    justification,
    asked,
    until,
  }: NewAccessRequest): Pick<AccessRequest, 'target' | 'purpose' | 'caseNumber' | 'justification' | 'asked' | 'wantedUntil'> {
    // Asked for its refusal of what is not in the agency's list; the deadline itself counts from when it is submitted.
    this.policies.dueAt(purpose, this.clock.now());
    return { target, purpose, caseNumber, justification, asked: [...asked], wantedUntil: until };
  }

  private async putForward(tx: Tx, request: AccessRequest, caller: Caller): Promise<RequestWithItems> {
    const now = this.clock.now();
    const { id: requestId, purpose, caseNumber, justification, asked, wantedUntil } = request;
    const fault = faultOfUntil(wantedUntil, now);
    if (fault !== undefined) throw new UntilFaulty(fault);
    const recordings = await this.targets.resolve(request.target, caller, tx);
    await this.refuseWhatMayNotBeAsked(tx, recordings, caller, now);
    const items = recordings.map(({ id: recordingId, sensitivity }): AccessRequestItem => {
      const rule = this.policies.ruleFor({ purpose, sensitivity, asked });
      return { requestId, recordingId, state: 'open', rule, sensitivity, decidedAt: null };
    });
    await insertRows(tx, AccessRequestItem, items);
    const submitted = { state: 'submitted', submittedAt: now, dueAt: this.policies.dueAt(purpose, now) } as const;
    await tx.update(AccessRequest, { id: requestId }, submitted);
    const what = { request: requestId, purpose, caseNumber, justification, until: wantedUntil.toISOString(), asked };
    const entries = items.map(({ recordingId, rule }) => {
      return { subject: recordingId, event: { type: 'access.requested', ...what, rule: inWords(rule) } as const };
    });
    await this.custody.appendAll(tx, entries, attribution(caller));
    return { request: Object.assign(request, submitted), items };
  }

  /** The body names the recordings, so the guard could not ask about them. */
  private async refuseWhatMayNotBeAsked(
    tx: Tx,
    recordings: readonly TargetRecording[],
    { actor }: Caller,
    now: Date,
  ): Promise<void> {
    const ids = recordings.map(({ id }) => id);
    // A lock on an original holds for redacted copies of it.
    const parents = recordings.flatMap(({ parentId }) => parentId ?? []);
    const locks = await tx.findBy(RecordingLock, { recordingId: Any([...ids, ...parents]), liftedAt: IsNull() });
    const locked = Map.groupBy(locks, ({ recordingId }) => recordingId);
    const refusals = recordings.flatMap((recording) => {
      const its = [...(locked.get(recording.id) ?? []), ...(locked.get(recording.parentId ?? '') ?? [])];
      const lockedAgainst = its.map(({ humanId }) => humanId);
      const asked = { recording: recording.id, needs: 'view', released: isReleased(recording), lockedAgainst } as const;
      const decision = decide(actor, 'access-request.submit', { kind: 'footage', grant: null, ...asked }, { now });
      return decision.allowed ? [] : [{ subject: recording.id, reason: decision.reason }];
    });
    if (refusals.length > 0) throw new Refused(refusals);
  }
}
