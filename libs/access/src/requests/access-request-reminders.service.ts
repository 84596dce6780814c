import { Injectable, Logger } from '@nestjs/common';
import { PeopleService, type Person } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { ballotOf } from './access-decision.rules.js';
import { AccessRequest } from './access-request.entity.js';
import { AccessRequestItems, itemOf, type RequestStanding } from './access-request-items.service.js';
import { AWAITING, mayBe, reminderDue } from './access-request.rules.js';
import { DelegationsService } from './delegations.service.js';
import { NoticesService } from '../notices/notices.service.js';

const AT_ONCE = 50;

/** Tells those who may decide on a request that it waits for them: once when half of the time is over, once when all of it is. */
@Injectable()
export class AccessRequestReminders {
  private readonly logger = new Logger('AccessRequests');

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly items: AccessRequestItems,
    private readonly people: PeopleService,
    private readonly delegations: DelegationsService,
    private readonly notices: NoticesService,
    private readonly clock: Clock,
  ) {}

  async remind(): Promise<void> {
    const now = this.clock.now();
    const rows = await this.unitOfWork.reader.query<{ id: string }[]>(
      `SELECT id FROM access_requests WHERE state = ANY($1) AND (
         due_at <= $2 AND (reminded_at IS NULL OR reminded_at < due_at)
         OR reminded_at IS NULL AND submitted_at + (due_at - submitted_at) / 2 <= $2)
       ORDER BY due_at LIMIT ${AT_ONCE}`,
      [AWAITING, now],
    );
    for (const { id } of rows)
      // One that cannot be told of must not keep the others from being.
      await this.unitOfWork
        .run((tx) => this.remindOf(tx, id, now))
        .catch((error: unknown) =>
          this.logger.error({ err: error, request: id }, 'nobody could be told of a request that waits'),
        );
  }

  /** Asked again under the lock: with two workers one of them tells. */
  private async remindOf(tx: Tx, id: string, now: Date): Promise<void> {
    const request = await this.items.lock(tx, id);
    const due = mayBe(request.state, 'decide') ? reminderDue(request, now) : undefined;
    if (due === undefined) return;
    await tx.update(AccessRequest, { id }, { remindedAt: now });
    const standing = await this.items.standing(request, tx);
    const people = await this.whoMayDecide(tx, standing, now);
    const kind = due === 'half' ? 'request-awaits-you' : 'request-overdue';
    const by = request.dueAt?.toISOString() ?? '';
    const told =
      due === 'half'
        ? `A request for access in case ${request.caseNumber} waits for a decision until ${by}.`
        : `A request for access in case ${request.caseNumber} should have been decided by ${by}.`;
    await this.notices.send(
      tx,
      people.map((person) => person.id),
      kind,
      id,
      told,
    );
  }

  private async whoMayDecide(tx: Tx, standing: RequestStanding, now: Date): Promise<Person[]> {
    const open = standing.items.filter(({ state }) => state === 'open');
    const seats = [...new Set(open.flatMap(({ rule }) => rule.seats))];
    const holders = await this.people.holding(seats, tx);
    const all = new Map([...holders, ...(await this.delegations.standingIn(seats, now, tx))].map((each) => [each.id, each]));
    const principals = await this.delegations.principals([...all.keys()], now, tx);
    return [...all.values()].filter(({ id, sameAs, roles }) => {
      const decider = { human: sameAs ?? id, roles, principals: principals.get(id) ?? [] };
      return open.some((item) => typeof ballotOf(decider, itemOf(standing, item)) !== 'string');
    });
  }
}
