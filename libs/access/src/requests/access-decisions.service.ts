import { Injectable } from '@nestjs/common';
import { Any, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody, type CustodyEvent } from '#custody';
import { attribution, PeopleService, type Caller, type PersonActor } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { ballotOf, outcomeOf, type Ballot } from './access-decision.rules.js';
import { FromFaulty, ItemDecided, NotInRequest, RequestDecided, UntilFaulty } from '../access-problems.js';
import { AccessDecision, AccessRequest, AccessRequestItem } from './access-request.entity.js';
import { AccessRequestItems, itemOf, type RequestStanding } from './access-request-items.service.js';
import type { RequestWithItems } from './access-requests.service.js';
import { faultOfFrom, faultOfUntil, mayBe, settle } from './access-request.rules.js';
import { DelegationsService } from './delegations.service.js';
import { Grant } from '../grants/grant.entity.js';
import { insertRows } from './many-rows.js';
import { Refused, RefusalsOnRecord } from './refusals-on-record.js';

export interface Verdict {
  readonly verdict: 'approve' | 'deny';
  /** Demanded of whoever denies. */
  readonly reason: string | null;
  /** Until when, when it is to be less than was asked for. */
  readonly until?: Date | undefined;
  /** From when, when it is to be later than now. */
  readonly from?: Date | undefined;
  /** For how many viewings, when it is not to be for any number. */
  readonly viewings?: number | undefined;
  /** All that one may decide on, when none are named. */
  readonly recordings?: readonly string[] | undefined;
  /** Only by the right of this person, who lets the decider decide in their place. */
  readonly inPlaceOf?: string | undefined;
}

type Chosen = readonly { readonly item: AccessRequestItem; readonly ballot: Ballot }[];

/** Deciding on requests, item by item, by as many people as the rule of each item says. */
@Injectable()
export class AccessDecisionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly items: AccessRequestItems,
    private readonly delegations: DelegationsService,
    private readonly people: PeopleService,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /**
   * Decided under the request's lock, and asked again there. Grants come into being with the last approval that an item needs.
   * @returns with the grants that this very decision made
   * @throws RequestDecided, ItemDecided, NotInRequest, UntilFaulty, FromFaulty, Forbidden, NotFound
   */
  async decide(id: string, said: Verdict, actor: PersonActor, caller: Caller): Promise<RequestWithItems & { grants: Grant[] }> {
    return this.refusals.of('access-request.decide', caller, () =>
      this.unitOfWork.run(async (tx) => {
        const now = this.clock.now();
        const request = await this.items.lock(tx, id);
        if (!mayBe(request.state, 'decide')) throw new RequestDecided(request.state);
        const fault = said.until === undefined ? undefined : faultOfUntil(said.until, now, request.wantedUntil);
        if (fault !== undefined) throw new UntilFaulty(fault);
        const late = said.from === undefined ? undefined : faultOfFrom(said.from, said.until ?? request.wantedUntil);
        if (late !== undefined) throw new FromFaulty(late);
        const standing = await this.items.standing(request, tx);
        const chosen = await this.choose(tx, standing, said, actor, now);
        return this.put(tx, standing, chosen, said, actor, caller, now);
      }),
    );
  }

  private async choose(tx: Tx, standing: RequestStanding, said: Verdict, actor: PersonActor, now: Date): Promise<Chosen> {
    const named = said.recordings === undefined ? undefined : new Set(said.recordings);
    const items = standing.items.filter(({ recordingId, state }) => named?.has(recordingId) ?? state === 'open');
    if (named !== undefined) {
      const known = new Set(items.map(({ recordingId }) => recordingId));
      const unknown = [...named].filter((recording) => !known.has(recording));
      if (unknown.length > 0) throw new NotInRequest(unknown);
      const decided = items.filter(({ state }) => state !== 'open').map(({ recordingId }) => recordingId);
      if (decided.length > 0) throw new ItemDecided(decided);
    }
    const principals = (await this.delegations.principals([actor.id], now, tx)).get(actor.id) ?? [];
    const decider = { human: actor.human, roles: actor.roles, principals };
    const asked = items.map((item) => ({ item, ballot: ballotOf(decider, itemOf(standing, item), said.inPlaceOf) }));
    const refused = asked.flatMap(({ item, ballot }) =>
      typeof ballot === 'string' ? [{ subject: item.recordingId, reason: ballot }] : [],
    );
    const chosen = asked.flatMap(({ item, ballot }) => (typeof ballot === 'string' ? [] : [{ item, ballot }]));
    // Without names it is about what one may decide on; with names, about all of them or none.
    if (chosen.length === 0 || (named !== undefined && refused.length > 0)) throw new Refused(refused);
    return chosen;
  }

  private async put(
    tx: Tx,
    standing: RequestStanding,
    chosen: Chosen,
    said: Verdict,
    actor: PersonActor,
    caller: Caller,
    now: Date,
  ): Promise<RequestWithItems & { grants: Grant[] }> {
    const { request } = standing;
    const requester = await this.people.get(request.requestedBy);
    const votes: AccessDecision[] = [];
    const grants: Grant[] = [];
    const outcomes = new Map<string, 'granted' | 'denied'>();
    const entries: { subject: string; event: CustodyEvent }[] = [];
    for (const { item, ballot } of chosen) {
      const vote = voteOf(item, ballot, said, actor, now);
      const all = [...(standing.decisions.get(item.recordingId) ?? []), vote];
      const outcome = outcomeOf(item.rule, all);
      votes.push(vote);
      const record = (event: CustodyEvent): unknown => entries.push({ subject: item.recordingId, event });
      if (said.verdict === 'deny')
        record({ type: 'access.denied', request: request.id, reason: said.reason ?? '', final: outcome === 'denied' });
      else
        record({
          ...{ type: 'access.approved', request: request.id, seat: ballot.seat },
          ...{ onBehalfOf: ballot.behalfOf?.person ?? null, reason: said.reason },
        });
      if (outcome === 'open') continue;
      outcomes.set(item.recordingId, outcome);
      if (outcome === 'denied') continue;
      const grant = grantOf(request, item, all, actor, now);
      grants.push(grant);
      record({
        ...{ type: 'access.granted', request: request.id, grant: grant.id, actions: grant.actions },
        ...{ from: grant.startsAt.toISOString(), viewings: grant.maxViewings },
        ...{ person: grant.personId, personName: requester?.name ?? '', until: grant.expiresAt.toISOString() },
      });
    }
    await insertRows(tx, AccessDecision, votes);
    await insertRows(tx, Grant, grants);
    const items = await this.conclude(tx, standing.items, outcomes, now);
    const state = settle(
      items.map((item) => item.state),
      grants.length > 0 || (await tx.existsBy(Grant, { requestId: request.id, revokedAt: IsNull() })),
    );
    const decided = state === 'in-review' ? {} : { decidedBy: actor.id, decidedAt: now, decisionReason: said.reason };
    await tx.update(AccessRequest, { id: request.id }, { state, ...decided });
    await this.custody.appendAll(tx, entries, attribution(caller));
    return { request: Object.assign(request, { state, ...decided }), items, grants };
  }

  private async conclude(
    tx: Tx,
    items: readonly AccessRequestItem[],
    outcomes: ReadonlyMap<string, 'granted' | 'denied'>,
    decidedAt: Date,
  ): Promise<AccessRequestItem[]> {
    const [first] = items;
    for (const [state, concluded] of Map.groupBy(outcomes.keys(), (recording) => outcomes.get(recording)))
      if (first !== undefined && state !== undefined)
        await tx.update(AccessRequestItem, { requestId: first.requestId, recordingId: Any(concluded) }, { state, decidedAt });
    return items.map((item) => {
      const state = outcomes.get(item.recordingId);
      return state === undefined ? item : { ...item, state, decidedAt };
    });
  }
}

function voteOf(item: AccessRequestItem, ballot: Ballot, said: Verdict, actor: PersonActor, at: Date): AccessDecision {
  return {
    ...{ id: uuidv7(), requestId: item.requestId, recordingId: item.recordingId, personId: actor.id, humanId: actor.human },
    ...{ behalfOf: ballot.behalfOf?.person ?? null, behalfHuman: ballot.behalfOf?.human ?? null },
    ...{ seat: ballot.seat, fills: [...ballot.fills], verdict: said.verdict, reason: said.reason, until: said.until ?? null },
    ...{ startsAt: said.from ?? null, viewings: said.viewings ?? null, at },
  };
}

/** The least of what was asked for and what each of those who approved allowed. @throws UntilFaulty, FromFaulty */
function grantOf(
  request: AccessRequest,
  item: AccessRequestItem,
  votes: readonly AccessDecision[],
  actor: PersonActor,
  now: Date,
): Grant {
  const approving = votes.filter(({ verdict }) => verdict === 'approve');
  const ends = approving.flatMap(({ until }) => (until === null ? [] : [until.getTime()]));
  const begins = approving.flatMap(({ startsAt: from }) => (from === null ? [] : [from.getTime()]));
  const counts = approving.flatMap(({ viewings }) => (viewings === null ? [] : [viewings]));
  const expiresAt = new Date(Math.min(request.wantedUntil.getTime(), ...ends));
  const startsAt = new Date(Math.max(now.getTime(), ...begins));
  const fault = faultOfUntil(expiresAt, now, request.wantedUntil);
  if (fault !== undefined) throw new UntilFaulty(fault);
  const late = faultOfFrom(startsAt, expiresAt);
  if (late !== undefined) throw new FromFaulty(late);
  return {
    ...{ id: uuidv7(), requestId: request.id, personId: request.requestedBy, recordingId: item.recordingId },
    ...{ purpose: request.purpose, caseNumber: request.caseNumber, grantedBy: actor.id, basis: 'request' },
    ...{ actions: request.asked, startsAt, maxViewings: counts.length === 0 ? null : Math.min(...counts), viewingsOpened: 0 },
    ...{ createdAt: now, expiresAt, revokedAt: null },
  };
}
