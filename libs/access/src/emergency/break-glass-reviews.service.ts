import { Injectable } from '@nestjs/common';
import { In, IsNull, LessThan, LessThanOrEqual, MoreThan } from 'typeorm';
import { Custody, type CustodyEvent } from '#custody';
import { attribution, decide, PeopleService, Person, type Actor, type Caller, type PersonActor, type Resource } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { AccessPolicyService } from '../policy/access-policy.service.js';
import { AccessRequestItems } from '../requests/access-request-items.service.js';
import { AccessRequest, AccessRequestItem } from '../requests/access-request.entity.js';
import { mayBe } from '../requests/access-request.rules.js';
import { ReviewedAlready } from './break-glass-problems.js';
import { reviewersAmong } from './break-glass.rules.js';
import { Grant } from '../grants/grant.entity.js';
import { NoticesService } from '../notices/notices.service.js';
import { Refused, RefusalsOnRecord } from '../requests/refusals-on-record.js';

export interface EmergencyInFull {
  readonly request: AccessRequest;
  readonly recordings: readonly string[];
}

const REMINDED_AT_ONCE = 50;

/** What was taken in an emergency is looked at by somebody else, who says whether it was justified. */
@Injectable()
export class BreakGlassReviews {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly policies: AccessPolicyService,
    private readonly items: AccessRequestItems,
    private readonly people: PeopleService,
    private readonly notices: NoticesService,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /** Newest first; those of everybody for whoever may review any, else only one's own. `open`: nobody has reviewed them yet. */
  async list(
    { open, after, limit }: { readonly open: boolean; readonly after?: string | undefined; readonly limit: number },
    actor: Actor,
  ): Promise<{ emergencies: EmergencyInFull[]; next: string | null }> {
    const all = await this.seesAll(actor);
    const rows = await this.unitOfWork.reader.find(AccessRequest, {
      where: {
        breakGlass: true,
        ...(all || !('id' in actor) ? {} : { requestedBy: actor.id }),
        ...(open ? { reviewedAt: IsNull() } : {}),
        ...(after === undefined ? {} : { id: LessThan(after) }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const page = rows.slice(0, limit);
    const items = await this.unitOfWork.reader.find(AccessRequestItem, {
      where: { requestId: In(page.map(({ id }) => id)) },
      order: { recordingId: 'ASC' },
    });
    const byRequest = Map.groupBy(items, ({ requestId }) => requestId);
    const emergencies = page.map((request) => {
      return { request, recordings: (byRequest.get(request.id) ?? []).map(({ recordingId }) => recordingId) };
    });
    return { emergencies, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  /** The roles that review it are those of the policy when it was taken; people whom the policy names besides may now. @throws NotFound */
  async facts(id: string, actor: Actor, tx: Tx = this.unitOfWork.reader): Promise<Resource & { kind: 'access-request' }> {
    if (!(await tx.existsBy(AccessRequest, { id, breakGlass: true }))) throw new NotFound('access taken in an emergency');
    const facts = await this.items.facts(id, [], tx);
    return actor.kind === 'person' && (await this.isNamed(actor, tx))
      ? { ...facts, seats: [...facts.seats, ...actor.roles] }
      : facts;
  }

  /** Once. What was not justified ends at once, also in the middle of a viewing. @throws NotFound, Forbidden, ReviewedAlready */
  async review(id: string, justified: boolean, note: string, actor: PersonActor, caller: Caller): Promise<EmergencyInFull> {
    return this.refusals.of('break-glass.review', caller, () =>
      this.unitOfWork.run(async (tx) => {
        const request = await this.items.lock(tx, id);
        const facts = await this.facts(id, actor, tx);
        const now = this.clock.now();
        const decision = decide(actor, 'break-glass.review', facts, { now });
        if (!decision.allowed) throw new Refused([{ subject: facts.recording, reason: decision.reason }]);
        if (request.justified !== null) throw new ReviewedAlready(request.justified);
        const recordings = (await this.items.of(id, tx)).map(({ recordingId }) => recordingId);
        const taken = justified ? [] : await this.revoke(tx, id, now);
        const ends = taken.length > 0 && mayBe(request.state, 'revoke');
        const reviewed = {
          ...{ reviewedBy: actor.id, reviewedAt: now, justified, reviewNote: note },
          ...(ends ? ({ state: 'revoked', closedAt: now } as const) : {}),
        };
        await tx.update(AccessRequest, { id }, reviewed);
        await this.custody.appendAll(
          tx,
          [
            ...recordings.map((subject) => on(subject, { type: 'break-glass.reviewed', request: id, justified, note })),
            ...taken.map(({ id: grant, recordingId }) =>
              on(recordingId, { type: 'access.revoked', grant, reason: `The emergency was found not to be justified: ${note}` }),
            ),
          ],
          attribution(caller),
        );
        const text = `Your access in an emergency, case ${request.caseNumber}, was reviewed and found ${justified ? '' : 'not '}justified.`;
        await this.notices.send(tx, [request.requestedBy], 'break-glass-reviewed', id, text);
        return { request: Object.assign(request, reviewed), recordings };
      }),
    );
  }

  /** Tells those who may review, once, that the time for it is over. Several processes may: each row is reminded of by one. @returns how many */
  async remindOfOverdue(): Promise<number> {
    return this.unitOfWork.run(async (tx) => {
      const now = this.clock.now();
      const late = await tx.find(AccessRequest, {
        where: { breakGlass: true, reviewedAt: IsNull(), remindedAt: IsNull(), dueAt: LessThanOrEqual(now) },
        order: { id: 'ASC' },
        take: REMINDED_AT_ONCE,
        lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
      });
      for (const request of late) {
        const { requestedBy, subjects, seats } = await this.items.facts(request.id, [], tx);
        const names = this.policies.policy.breakGlass?.reviewers ?? [];
        const named = await Promise.all(names.map((username) => this.people.findByUsername(username, tx)));
        const people = [...named.filter((person) => person !== null), ...(await this.people.holding(seats, tx))];
        const told = reviewersAmong(people, requestedBy, subjects).map(({ id }) => id);
        const text = `An access taken in an emergency, case ${request.caseNumber}, should have been reviewed by ${request.dueAt?.toISOString() ?? ''}.`;
        await this.notices.send(tx, told, 'break-glass-overdue', request.id, text);
        await tx.update(AccessRequest, { id: request.id }, { remindedAt: now });
      }
      return late.length;
    });
  }

  private async revoke(tx: Tx, requestId: string, now: Date): Promise<Grant[]> {
    const live = await tx.find(Grant, {
      where: { requestId, revokedAt: IsNull(), expiresAt: MoreThan(now) },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
    await tx.update(Grant, { id: In(live.map(({ id }) => id)) }, { revokedAt: now });
    return live;
  }

  private async seesAll(actor: Actor): Promise<boolean> {
    if (!('roles' in actor)) return false;
    const reviewing = this.policies.policy.breakGlass?.reviewerRoles ?? [];
    if (actor.roles.some((role) => role === 'custodian' || role === 'auditor' || reviewing.some((each) => each === role)))
      return true;
    return actor.kind === 'person' && this.isNamed(actor);
  }

  private async isNamed(actor: PersonActor, on: Tx = this.unitOfWork.reader): Promise<boolean> {
    const names = this.policies.policy.breakGlass?.reviewers ?? [];
    if (names.length === 0) return false;
    const username = (await on.findOneBy(Person, { id: actor.id }))?.username;
    return names.some((name) => name.toLowerCase() === username);
  }
}

function on(subject: string, event: CustodyEvent): { readonly subject: string; readonly event: CustodyEvent } {
  return { subject, event };
}
