import { Injectable } from '@nestjs/common';
import { Recording, RecordingOfficers } from '#evidence';
import { PeopleService, type Resource, type Role } from '#identity';
import { NotFound, UnitOfWork, type Tx } from '#platform';
import type { Item } from './access-decision.rules.js';
import type { DecisionRule } from '../policy/access-policy.rules.js';
import { AccessDecision, AccessRequest, AccessRequestItem } from './access-request.entity.js';

/** A request with all that its rules look at, as it stands. */
export interface RequestStanding {
  readonly request: AccessRequest;
  /** The first account of whoever asked. */
  readonly requestedBy: string;
  /** Human beings whose conduct any of the recordings shows: they decide on nothing of it. */
  readonly subjects: readonly string[];
  readonly items: readonly AccessRequestItem[];
  /** By recording. */
  readonly decisions: ReadonlyMap<string, readonly AccessDecision[]>;
}

/** The rules' view of one item. */
export function itemOf({ requestedBy, subjects, decisions }: RequestStanding, item: AccessRequestItem): Item {
  const votes = (decisions.get(item.recordingId) ?? []).map(({ humanId: human, behalfHuman, fills, verdict }) => {
    return { human, behalfHuman, fills, verdict };
  });
  return { rule: item.rule, requestedBy, subjects, votes };
}

/** What a request names, who has decided on it, and whom it shows. */
@Injectable()
export class AccessRequestItems {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
  ) {}

  /** Holds the row until the transaction ends: of two deeds at the same moment one comes after the other. @throws NotFound */
  async lock(tx: Tx, id: string): Promise<AccessRequest> {
    const request = await tx.findOne(AccessRequest, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (request === null) throw new NotFound('access request');
    return request;
  }

  /** In the order of the recordings' ids. */
  async of(requestId: string, tx: Tx = this.unitOfWork.reader): Promise<AccessRequestItem[]> {
    return tx.find(AccessRequestItem, { where: { requestId }, order: { recordingId: 'ASC' } });
  }

  /** The first recording, on whose record goes what happens to the request as a whole; undefined of a draft. */
  async first(requestId: string, tx: Tx = this.unitOfWork.reader): Promise<string | undefined> {
    const item = await tx.findOne(AccessRequestItem, { where: { requestId }, order: { recordingId: 'ASC' } });
    return item?.recordingId;
  }

  async standing(request: AccessRequest, tx: Tx = this.unitOfWork.reader): Promise<RequestStanding> {
    const items = await this.of(request.id, tx);
    const decisions = await tx.find(AccessDecision, { where: { requestId: request.id }, order: { id: 'ASC' } });
    const [requestedBy = request.requestedBy] = await this.people.humans([request.requestedBy], tx);
    const subjects = await this.shown(request.id, tx);
    return { request, requestedBy, subjects, items, decisions: Map.groupBy(decisions, ({ recordingId }) => recordingId) };
  }

  /** What the rules need to know of a request, for whoever decides or reviews. @throws NotFound */
  async facts(
    id: string,
    delegated: readonly Role[] = [],
    tx: Tx = this.unitOfWork.reader,
  ): Promise<Resource & { kind: 'access-request' }> {
    const request = await tx.findOneBy(AccessRequest, { id });
    if (request === null) throw new NotFound('access request');
    const [requestedBy = request.requestedBy] = await this.people.humans([request.requestedBy], tx);
    const subjects = await this.shown(id, tx);
    // Asked at every door, also of ten thousand items: nothing is read that is not needed.
    const rules = await tx.query<{ rule: DecisionRule; recording: string }[]>(
      'SELECT rule, min(recording_id::text) AS recording FROM access_request_items WHERE request_id = $1 GROUP BY rule ORDER BY 2',
      [id],
    );
    const seats = [...new Set(rules.flatMap(({ rule }) => rule.seats))];
    return { kind: 'access-request', recording: rules[0]?.recording ?? id, requestedBy, subjects, seats, delegated };
  }

  private async shown(requestId: string, tx: Tx): Promise<string[]> {
    // A track of positions is long, and there may be ten thousand of them.
    const recordings = await tx
      .createQueryBuilder(Recording, 'r')
      .select(['r.id', 'r.officerId', 'r.camera', 'r.recordedAt', 'r.clockOffsetMs'])
      .where('r.id IN (SELECT recording_id FROM access_request_items WHERE request_id = :requestId)', { requestId })
      .getMany();
    return this.officers.shown(recordings, tx);
  }
}
