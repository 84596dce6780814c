import { Injectable } from '@nestjs/common';
import { Any, IsNull } from 'typeorm';
import { Custody, type Attribution, type CustodyEvent } from '#custody';
import { attribution, type Caller } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { RequestDecided, RequestStateForbids } from '../access-problems.js';
import { AccessRequest } from './access-request.entity.js';
import { AccessRequestItems } from './access-request-items.service.js';
import type { RequestWithItems } from './access-requests.service.js';
import { mayBe, RUNNING, type RequestState } from './access-request.rules.js';
import { Grant } from '../grants/grant.entity.js';

/** How a request ends that nobody denied: taken back, closed, or over. What it gave ends with it. */
@Injectable()
export class AccessRequestEndings {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly items: AccessRequestItems,
    private readonly clock: Clock,
  ) {}

  /** Also what was granted of it so far is taken back. @throws RequestDecided, RequestStateForbids, NotFound */
  async withdraw(id: string, reason: string | null, caller: Caller): Promise<RequestWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const request = await this.items.lock(tx, id);
      const { state } = request;
      if (mayBe(state, 'revoke')) throw new RequestDecided(state);
      if (!mayBe(state, 'withdraw')) throw new RequestStateForbids('withdrawn', state);
      const event = { type: 'access.withdrawn', request: id, reason } as const;
      return this.end(tx, request, 'withdrawn', event, attribution(caller), 'the request was withdrawn');
    });
  }

  /** Whoever asked needs it no more. @throws RequestStateForbids, NotFound */
  async close(id: string, caller: Caller): Promise<RequestWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const request = await this.items.lock(tx, id);
      if (!mayBe(request.state, 'close')) throw new RequestStateForbids('closed', request.state);
      const event = { type: 'access.closed', request: id, as: 'closed' } as const;
      return this.end(tx, request, 'closed', event, attribution(caller), 'whoever asked closed the request');
    });
  }

  /** Requests whose time is over: nobody decided until it was, or every grant has ended. */
  async over(now: Date, limit: number): Promise<string[]> {
    const rows = await this.unitOfWork.reader.query<{ id: string }[]>(
      `SELECT r.id FROM access_requests r WHERE r.state = ANY($1) AND (
         r.wanted_until <= $2 OR r.state IN ('granted', 'partly-granted') AND NOT EXISTS (
           SELECT FROM grants g WHERE g.request_id = r.id AND g.revoked_at IS NULL AND g.expires_at > $2))
       ORDER BY r.wanted_until LIMIT $3`,
      [RUNNING, now, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Idempotent, and asked again under the lock: whoever closes it at the same moment has done so first. */
  async expire(id: string, by: Attribution): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const request = await this.items.lock(tx, id);
      if (!mayBe(request.state, 'expire')) return;
      const event = { type: 'access.closed', request: id, as: 'expired' } as const;
      await this.end(tx, request, 'expired', event, by, undefined);
    });
  }

  /** @param revoking why its live grants are taken back; undefined where they have ended */
  private async end(
    tx: Tx,
    request: AccessRequest,
    state: RequestState,
    event: CustodyEvent,
    by: Attribution,
    revoking: string | undefined,
  ): Promise<RequestWithItems> {
    const closedAt = this.clock.now();
    const { id } = request;
    const grants =
      revoking === undefined
        ? []
        : await tx.find(Grant, { where: { requestId: id, revokedAt: IsNull() }, lock: { mode: 'pessimistic_write' } });
    const live = grants.filter(({ expiresAt }) => expiresAt > closedAt);
    if (live.length > 0) await tx.update(Grant, { id: Any(live.map((grant) => grant.id)) }, { revokedAt: closedAt });
    await tx.update(AccessRequest, { id }, { state, closedAt });
    const items = await this.items.of(id, tx);
    const revoked = live.map((grant) => ({
      subject: grant.recordingId,
      event: { type: 'access.revoked', grant: grant.id, reason: revoking ?? '' } as const,
    }));
    const ended = items.map(({ recordingId }) => ({ subject: recordingId, event }));
    await this.custody.appendAll(tx, [...revoked, ...ended], by);
    return { request: Object.assign(request, { state, closedAt }), items };
  }
}
