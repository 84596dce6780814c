import { Injectable } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { attribution, PeopleService, Person, PersonUnknown, type Caller, type PersonActor, type Role } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import type { Principal } from './access-decision.rules.js';
import { DelegationFaulty } from '../access-problems.js';
import { Delegation } from './delegation.entity.js';
import { faultOfDelegation } from './delegation.rules.js';

export interface NewDelegation {
  readonly to: string;
  readonly role: Role;
  readonly until: Date;
  readonly reason: string;
}

export interface DelegationFilter {
  /** Only those that this person gave or got. */
  readonly concerning?: string | undefined;
  readonly live: boolean;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

@Injectable()
export class DelegationsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly people: PeopleService,
    private readonly clock: Clock,
  ) {}

  /** @throws PersonUnknown, DelegationFaulty */
  async give({ to, role, until, reason }: NewDelegation, actor: PersonActor, caller: Caller): Promise<Delegation> {
    const person = await this.people.get(to);
    if (person === null) throw new PersonUnknown();
    const now = this.clock.now();
    const other = { human: person.sameAs ?? person.id, roles: person.roles, enabled: person.disabledAt === null };
    const fault = faultOfDelegation({ ...actor, enabled: true }, other, role, until, now);
    if (fault !== undefined) throw new DelegationFaulty(fault);
    const delegation: Delegation = {
      ...{ id: uuidv7(), fromId: actor.id, toId: to, role, reason },
      ...{ createdAt: now, until, endedAt: null },
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(Delegation, delegation);
      const what = { delegation: delegation.id, to, toName: person.name, role, until: until.toISOString(), reason };
      await this.custody.append(tx, actor.id, { type: 'delegation.given', ...what }, attribution(caller));
    });
    return delegation;
  }

  /** Idempotent. Holds from now on: what was decided under it stays. @throws NotFound */
  async end(id: string, reason: string, caller: Caller): Promise<Delegation> {
    return this.unitOfWork.run(async (tx) => {
      const delegation = await tx.findOne(Delegation, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (delegation === null) throw new NotFound('delegation');
      if (delegation.endedAt !== null) return delegation;
      const endedAt = this.clock.now();
      await tx.update(Delegation, { id }, { endedAt });
      const event = { type: 'delegation.ended', delegation: id, reason } as const;
      await this.custody.append(tx, delegation.fromId, event, attribution(caller));
      return { ...delegation, endedAt };
    });
  }

  /** @throws NotFound */
  async get(id: string): Promise<Delegation> {
    const delegation = await this.unitOfWork.reader.findOneBy(Delegation, { id });
    if (delegation === null) throw new NotFound('delegation');
    return delegation;
  }

  /** Newest first. */
  async list(filter: DelegationFilter): Promise<{ delegations: Delegation[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Delegation, 'd')
      .orderBy('d.id', 'DESC')
      .limit(filter.limit + 1);
    if (filter.concerning !== undefined) query.andWhere(':who IN (d.from_id, d.to_id)', { who: filter.concerning });
    if (filter.live) query.andWhere('d.ended_at IS NULL AND d.until > :now', { now: this.clock.now() });
    if (filter.after !== undefined) query.andWhere('d.id < :after', { after: filter.after });
    const rows = await query.getMany();
    const delegations = rows.slice(0, filter.limit);
    return { delegations, next: rows.length > filter.limit ? (delegations.at(-1)?.id ?? null) : null };
  }

  /** In whose place each of these people may decide now: of those whose account is open and who still hold the role. */
  async principals(people: readonly string[], now: Date, tx: Tx = this.unitOfWork.reader): Promise<Map<string, Principal[]>> {
    const rows = await tx.query<{ to: string; person: string; human: string; role: Role }[]>(
      `SELECT d.to_id AS "to", f.id AS person, coalesce(f.same_as, f.id) AS human, d.role
       FROM delegations d JOIN people f ON f.id = d.from_id
       WHERE d.to_id = ANY($1) AND d.ended_at IS NULL AND d.until > $2 AND f.disabled_at IS NULL AND d.role = ANY(f.roles)
       ORDER BY d.id`,
      [[...people], now],
    );
    return Map.groupBy(rows, ({ to }) => to);
  }

  /** Everybody who may decide in somebody's place in one of these roles, and can sign in. */
  async standingIn(roles: readonly Role[], now: Date, tx: Tx): Promise<Person[]> {
    const rows = await tx.query<{ id: string }[]>(
      'SELECT DISTINCT to_id AS id FROM delegations WHERE role = ANY($1) AND ended_at IS NULL AND until > $2',
      [[...roles], now],
    );
    return tx.findBy(Person, { id: In(rows.map(({ id }) => id)), disabledAt: IsNull() });
  }
}
