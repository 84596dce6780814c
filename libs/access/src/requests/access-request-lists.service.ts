import { Injectable } from '@nestjs/common';
import type { PersonActor } from '#identity';
import { Clock, NotFound, UnitOfWork } from '#platform';
import { ballotOf, type Decider } from './access-decision.rules.js';
import { AccessRequest } from './access-request.entity.js';
import { AccessRequestItems, itemOf, type RequestStanding } from './access-request-items.service.js';
import { AWAITING, type RequestState } from './access-request.rules.js';
import { DelegationsService } from './delegations.service.js';

export interface RequestFilter {
  readonly state?: RequestState | undefined;
  readonly overdue: boolean;
  /** Only what this person asked for. */
  readonly requestedBy?: string | undefined;
  /** Of whose drafts one may know: nobody's but one's own. */
  readonly reader: string;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ListedRequest {
  readonly request: AccessRequest;
  readonly counts: { readonly open: number; readonly granted: number; readonly denied: number };
  /** The first of them. */
  readonly recordings: readonly string[];
}

export const RECORDINGS_LISTED = 100;

interface Page {
  readonly requests: ListedRequest[];
  readonly next: string | null;
}

@Injectable()
export class AccessRequestLists {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly items: AccessRequestItems,
    private readonly delegations: DelegationsService,
    private readonly clock: Clock,
  ) {}

  /** A draft is there for whoever writes it only. @throws NotFound */
  async get(id: string, reader: string | undefined): Promise<RequestStanding> {
    const request = await this.unitOfWork.reader.findOneBy(AccessRequest, { id });
    if (request === null || (request.submittedAt === null && request.requestedBy !== reader))
      throw new NotFound('access request');
    return this.items.standing(request);
  }

  /** Newest first. */
  async list(filter: RequestFilter): Promise<Page> {
    const rows = await this.rows(filter, filter.after, filter.limit + 1);
    return this.page(rows, filter.limit);
  }

  /** What this very person may decide on now, whoever's right they use. Newest first. */
  async awaiting(actor: PersonActor, filter: RequestFilter): Promise<Page> {
    const now = this.clock.now();
    const principals = (await this.delegations.principals([actor.id], now)).get(actor.id) ?? [];
    const decider = { human: actor.human, roles: actor.roles, principals };
    const found: AccessRequest[] = [];
    let { after } = filter;
    // Whom a recording shows is not in the database's reach, so that some of what it finds may be left out again.
    for (;;) {
      const candidates = await this.rows(filter, after, filter.limit + 1, decider);
      for (const request of candidates) {
        if (found.length <= filter.limit && (await this.mayDecide(decider, request))) found.push(request);
      }
      if (found.length > filter.limit || candidates.length <= filter.limit) return this.page(found, filter.limit);
      after = candidates.at(-1)?.id;
    }
  }

  private async mayDecide(decider: Decider, request: AccessRequest): Promise<boolean> {
    const standing = await this.items.standing(request);
    return standing.items.some((item) => item.state === 'open' && typeof ballotOf(decider, itemOf(standing, item)) !== 'string');
  }

  private async rows(filter: RequestFilter, after: string | undefined, limit: number, by?: Decider): Promise<AccessRequest[]> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(AccessRequest, 'r')
      .where('(r.submitted_at IS NOT NULL OR r.requested_by = :reader)', { reader: filter.reader })
      .orderBy('r.id', 'DESC')
      .limit(limit);
    if (filter.state !== undefined) query.andWhere('r.state = :state', { state: filter.state });
    if (filter.requestedBy !== undefined) query.andWhere('r.requested_by = :requestedBy', { requestedBy: filter.requestedBy });
    if (filter.overdue)
      query.andWhere('r.state IN (:...awaiting) AND r.due_at < :now', { awaiting: AWAITING, now: this.clock.now() });
    if (after !== undefined) query.andWhere('r.id < :after', { after });
    if (by === undefined) return query.getMany();
    return query
      .andWhere('r.state IN (:...undecided)', { undecided: AWAITING })
      .andWhere(
        `EXISTS (SELECT FROM access_request_items i WHERE i.request_id = r.id AND i.state = 'open'
           AND EXISTS (SELECT FROM jsonb_array_elements_text(i.rule -> 'seats') seat WHERE seat = ANY(:roles))
           AND NOT EXISTS (SELECT FROM access_decisions d
             WHERE d.request_id = r.id AND d.recording_id = i.recording_id AND :human IN (d.human_id, d.behalf_human)))`,
        { roles: [...by.roles, ...by.principals.map(({ role }) => role)], human: by.human },
      )
      .getMany();
  }

  private async page(rows: readonly AccessRequest[], limit: number): Promise<Page> {
    const requests = rows.slice(0, limit);
    const counted = await this.unitOfWork.reader.query<{ id: string; state: 'open' | 'granted' | 'denied'; count: number }[]>(
      `SELECT request_id AS id, state, count(*)::int AS count FROM access_request_items
       WHERE request_id = ANY($1) GROUP BY request_id, state`,
      [requests.map(({ id }) => id)],
    );
    const named = await this.unitOfWork.reader.query<{ id: string; recording: string }[]>(
      `SELECT asked.id, i.recording_id AS recording FROM unnest($1::uuid[]) AS asked (id), LATERAL (
         SELECT recording_id FROM access_request_items WHERE request_id = asked.id ORDER BY recording_id LIMIT ${RECORDINGS_LISTED}) i`,
      [requests.map(({ id }) => id)],
    );
    const counts = Map.groupBy(counted, ({ id }) => id);
    const recordings = Map.groupBy(named, ({ id }) => id);
    const listed = requests.map((request): ListedRequest => {
      const of = (state: string): number => counts.get(request.id)?.find((each) => each.state === state)?.count ?? 0;
      return {
        request,
        counts: { open: of('open'), granted: of('granted'), denied: of('denied') },
        recordings: (recordings.get(request.id) ?? []).map(({ recording }) => recording),
      };
    });
    return { requests: listed, next: rows.length > limit ? (requests.at(-1)?.id ?? null) : null };
  }
}
