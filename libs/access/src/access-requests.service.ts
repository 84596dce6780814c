import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { isReleased, RecordingOfficers, RecordingsService, type Recording } from '#evidence';
import { attribution, decide, Forbidden, PeopleService, type Caller, type PersonActor, type Resource } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { AccessRequest, AccessRequestItem, type DecisionRule } from './access-request.entity.js';
import { faultOfUntil, type Purpose } from './access-request.rules.js';
import { RecordingUnknown, RequestDecided, UntilFaulty } from './access-problems.js';
import { Grant } from './grant.entity.js';

const ONE_CUSTODIAN: DecisionRule = { name: 'one custodian', seats: ['custodian'], need: 1 };

export interface NewAccessRequest {
  readonly recordings: readonly string[];
  readonly purpose: Purpose;
  readonly caseNumber: string;
  readonly justification: string;
  readonly until: Date;
}

export interface RequestWithItems {
  readonly request: AccessRequest;
  readonly recordings: readonly string[];
}

@Injectable()
export class AccessRequestsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
    private readonly clock: Clock,
  ) {}

  /** @throws RecordingUnknown, UntilFaulty, Forbidden */
  async submit(asked: NewAccessRequest, actor: PersonActor, caller: Caller): Promise<RequestWithItems> {
    const now = this.clock.now();
    const fault = faultOfUntil(asked.until, now);
    if (fault !== undefined) throw new UntilFaulty(fault);
    const recordings = [...new Set(asked.recordings)];
    const sealed = (await this.recordings.getMany(recordings)).filter(({ state }) => state === 'sealed');
    const known = new Set(sealed.map(({ id }) => id));
    const unknown = recordings.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new RecordingUnknown(unknown);
    await this.refuseUnreleased(sealed, caller, now);
    const { purpose, caseNumber, justification, until } = asked;
    const request: AccessRequest = {
      id: uuidv7(),
      requestedBy: actor.id,
      purpose,
      caseNumber,
      justification,
      wantedUntil: until,
      asked: ['view', 'view-unredacted'],
      target: { recordings },
      state: 'submitted',
      dueAt: null,
      remindedAt: null,
      closedAt: null,
      breakGlass: false,
      reviewedBy: null,
      reviewedAt: null,
      justified: null,
      reviewNote: null,
      decidedBy: null,
      decidedAt: null,
      decisionReason: null,
      createdAt: now,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(AccessRequest, request);
      await tx.insert(
        AccessRequestItem,
        recordings.map((recordingId) => ({
          requestId: request.id,
          recordingId,
          state: 'open' as const,
          rule: ONE_CUSTODIAN,
          sensitivity: 'normal',
          decidedAt: null,
        })),
      );
      const event = {
        type: 'access.requested',
        request: request.id,
        purpose,
        caseNumber,
        justification,
        until: until.toISOString(),
      } as const;
      for (const id of recordings) await this.custody.append(tx, id, event, attribution(caller));
    });
    return { request, recordings };
  }

  /** Decided under a lock, and asked again there: of two custodians at the same moment one decides. @throws RequestDecided, UntilFaulty, Forbidden */
  async grant(
    id: string,
    until: Date | undefined,
    actor: PersonActor,
    caller: Caller,
  ): Promise<RequestWithItems & { grants: Grant[] }> {
    return this.unitOfWork.run(async (tx) => {
      const { request, recordings } = await this.lockOpen(tx, id, caller);
      const now = this.clock.now();
      const expiresAt = until ?? request.wantedUntil;
      const fault = faultOfUntil(expiresAt, now, request.wantedUntil);
      if (fault !== undefined) throw new UntilFaulty(fault);
      const requester = await this.people.get(request.requestedBy);
      const { requestedBy: personId, purpose, caseNumber } = request;
      const grants = recordings.map((recordingId): Grant => ({
        id: uuidv7(),
        requestId: id,
        personId,
        recordingId,
        purpose,
        caseNumber,
        grantedBy: actor.id,
        basis: 'request',
        actions: request.asked,
        startsAt: now,
        maxViewings: null,
        viewingsOpened: 0,
        createdAt: now,
        expiresAt,
        revokedAt: null,
      }));
      await tx.insert(Grant, grants);
      await this.close(tx, request, 'granted', null, actor, now);
      for (const grant of grants) {
        const details = {
          request: id,
          grant: grant.id,
          person: personId,
          personName: requester?.name ?? '',
          until: expiresAt.toISOString(),
        };
        await this.custody.append(tx, grant.recordingId, { type: 'access.granted', ...details }, attribution(caller));
      }
      return { request, recordings, grants };
    });
  }

  /** @throws RequestDecided, Forbidden */
  async deny(id: string, reason: string, actor: PersonActor, caller: Caller): Promise<RequestWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const { request, recordings } = await this.lockOpen(tx, id, caller);
      await this.close(tx, request, 'denied', reason, actor, this.clock.now());
      for (const recording of recordings)
        await this.custody.append(tx, recording, { type: 'access.denied', request: id, reason }, attribution(caller));
      return { request, recordings };
    });
  }

  /** Newest first; only `requestedBy`'s own when given. */
  async list(requestedBy: string | undefined): Promise<RequestWithItems[]> {
    const requests = await this.unitOfWork.reader.find(AccessRequest, {
      ...(requestedBy === undefined ? {} : { where: { requestedBy } }),
      order: { id: 'DESC' },
      take: 200,
    });
    return Promise.all(
      requests.map(async (request) => ({ request, recordings: await this.items(this.unitOfWork.reader, request.id) })),
    );
  }

  /** What the rules need to know of a request. @throws NotFound */
  async facts(id: string, tx: Tx = this.unitOfWork.reader): Promise<Resource & { kind: 'access-request' }> {
    const request = await tx.findOneBy(AccessRequest, { id });
    if (request === null) throw new NotFound('access request');
    const recordings = await this.recordings.getMany(await this.items(tx, id));
    const subjects = await this.officers.shown(recordings, tx);
    const [requestedBy = request.requestedBy] = await this.people.humans([request.requestedBy], tx);
    return {
      ...{ kind: 'access-request', recording: recordings[0]?.id ?? id, requestedBy },
      ...{ subjects, seats: ONE_CUSTODIAN.seats, delegated: [] },
    };
  }

  /** The body names the recordings, so the guard could not ask about them. A refusal goes on record like the guard's. */
  private async refuseUnreleased(recordings: readonly Recording[], caller: Caller, now: Date): Promise<void> {
    const action = 'access-request.submit';
    const refused = recordings.flatMap((recording) => {
      const asked = { recording: recording.id, needs: 'view', released: isReleased(recording), lockedAgainst: [] } as const;
      const footage = { kind: 'footage', grant: null, ...asked } as const;
      const decision = decide(caller.actor, action, footage, { now });
      return decision.allowed ? [] : [{ id: recording.id, reason: decision.reason }];
    });
    const [first] = refused;
    if (first === undefined) return;
    await this.unitOfWork.run(async (tx) => {
      for (const { id, reason } of refused)
        await this.custody.append(tx, id, { type: 'access.refused', action, reason }, attribution(caller));
    });
    throw new Forbidden(first.reason);
  }

  private async lockOpen(tx: Tx, id: string, { actor }: Caller): Promise<RequestWithItems> {
    const request = await tx.findOne(AccessRequest, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (request === null) throw new NotFound('access request');
    const decision = decide(actor, 'access-request.decide', await this.facts(id, tx), { now: this.clock.now() });
    if (!decision.allowed) throw new Forbidden(decision.reason);
    if (request.state !== 'submitted') throw new RequestDecided(request.state);
    return { request, recordings: await this.items(tx, id) };
  }

  private async close(
    tx: Tx,
    request: AccessRequest,
    state: 'granted' | 'denied',
    reason: string | null,
    by: PersonActor,
    at: Date,
  ): Promise<void> {
    Object.assign(request, { state, decidedBy: by.id, decidedAt: at, decisionReason: reason });
    await tx.update(AccessRequest, { id: request.id }, { state, decidedBy: by.id, decidedAt: at, decisionReason: reason });
  }

  private async items(tx: Tx, requestId: string): Promise<string[]> {
    return (await tx.findBy(AccessRequestItem, { requestId })).map((item) => item.recordingId);
  }
}
