import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Custody } from '#custody';
import { attribution, decide, type Caller, type FootageFacts, type GrantFacts, type PersonActor } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { AccessRequest } from '../requests/access-request.entity.js';
import { mayBe, type Purpose } from '../requests/access-request.rules.js';
import { nearestGrant } from './footage-grant.rules.js';
import { Grant } from './grant.entity.js';

export function factsOf(grant: Grant): GrantFacts {
  return {
    id: grant.id,
    person: grant.personId,
    recording: grant.recordingId,
    actions: grant.actions,
    startsAt: grant.startsAt,
    viewingsLeft: grant.maxViewings === null ? null : grant.maxViewings - grant.viewingsOpened,
    expiresAt: grant.expiresAt,
    revokedAt: grant.revokedAt,
  };
}

@Injectable()
export class GrantsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** Of this person's grants for the footage the one nearest to what it needs. */
  async best(actor: PersonActor, footage: FootageFacts, tx: Tx = this.unitOfWork.reader): Promise<Grant | null> {
    const grants = await tx.findBy(Grant, { personId: actor.id, recordingId: footage.recording });
    return this.nearest(grants, actor, footage);
  }

  /** The same to open it for that purpose, with the person's grants for it locked: who opens at the same moment waits, and counts after. */
  async choose(tx: Tx, actor: PersonActor, footage: FootageFacts, purpose: Purpose): Promise<Grant | null> {
    const grants = await tx.find(Grant, {
      where: { personId: actor.id, recordingId: footage.recording },
      order: { id: 'ASC' },
      lock: { mode: 'for_no_key_update' },
    });
    return this.nearest(grants, actor, footage, purpose);
  }

  private nearest(grants: readonly Grant[], actor: PersonActor, footage: FootageFacts, purpose?: Purpose): Grant | null {
    const now = this.clock.now();
    const candidates = grants.map((grant) => {
      const decision = decide(actor, 'viewing.open', { kind: 'footage', grant: factsOf(grant), ...footage }, { now });
      return { grant, miss: decision.allowed ? null : decision.reason, purpose: grant.purpose, expiresAt: grant.expiresAt };
    });
    return nearestGrant(candidates, purpose)?.grant ?? null;
  }

  async get(id: string, tx: Tx = this.unitOfWork.reader): Promise<Grant | null> {
    return tx.findOneBy(Grant, { id });
  }

  /** Newest first; only this person's own when given. */
  async list(personId: string | undefined): Promise<Grant[]> {
    return this.unitOfWork.reader.find(Grant, {
      ...(personId === undefined ? {} : { where: { personId } }),
      order: { id: 'DESC' },
      take: 500,
    });
  }

  /** Takes effect at once, also on viewings under way: every segment asks again. @throws NotFound */
  async revoke(id: string, reason: string, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const known = await this.get(id, tx);
      if (known === null) throw new NotFound('grant');
      // The request before its grants, as everybody does who ends both.
      const request = await lockRequestOf(tx, known);
      const grant = await tx.findOne(Grant, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (grant === null || grant.revokedAt !== null) return;
      const now = this.clock.now();
      await tx.update(Grant, { id }, { revokedAt: now });
      if (request !== null && mayBe(request.state, 'revoke')) {
        const others = await tx.existsBy(Grant, { requestId: request.id, revokedAt: IsNull() });
        if (!others) await tx.update(AccessRequest, { id: request.id }, { state: 'revoked', closedAt: now });
      }
      await this.custody.append(tx, grant.recordingId, { type: 'access.revoked', grant: id, reason }, attribution(caller));
    });
  }
}

async function lockRequestOf(tx: Tx, { requestId }: Grant): Promise<AccessRequest | null> {
  if (requestId === null) return null;
  return tx.findOne(AccessRequest, { where: { id: requestId }, lock: { mode: 'pessimistic_write' } });
}
