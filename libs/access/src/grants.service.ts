import { Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { attribution, type Caller, type GrantFacts } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
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

  /** Of this person's grants for the recording the one that is not revoked and lasts longest; a revoked one only when there is no other. */
  async best(personId: string, recordingId: string, tx: Tx = this.unitOfWork.reader): Promise<Grant | null> {
    const grants = await tx.findBy(Grant, { personId, recordingId });
    const rank = (grant: Grant): number => (grant.revokedAt === null ? grant.expiresAt.getTime() : 0);
    return grants.sort((a, b) => rank(b) - rank(a))[0] ?? null;
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
      const grant = await tx.findOne(Grant, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (grant === null) throw new NotFound('grant');
      if (grant.revokedAt !== null) return;
      await tx.update(Grant, { id }, { revokedAt: this.clock.now() });
      await this.custody.append(tx, grant.recordingId, { type: 'access.revoked', grant: id, reason }, attribution(caller));
    });
  }
}
