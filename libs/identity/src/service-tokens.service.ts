import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { Clock, UnitOfWork } from '#platform';
import { attribution, type Actor, type Caller, type PersonActor, type Role } from './actor.js';
import { hashSecret, newSecret } from './secret-token.js';
import { ServiceToken } from './service-token.entity.js';

@Injectable()
export class ServiceTokensService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** The secret is shown this once. */
  async issue(
    name: string,
    roles: readonly Role[],
    days: number,
    actor: PersonActor,
    caller: Caller,
  ): Promise<{ token: ServiceToken; secret: string }> {
    const now = this.clock.now();
    const { secret, hash } = newSecret('cst_');
    const token: ServiceToken = {
      id: uuidv7(),
      name,
      tokenHash: hash,
      roles: [...roles],
      createdBy: actor.id,
      createdAt: now,
      expiresAt: new Date(now.getTime() + days * 86_400_000),
      revokedAt: null,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(ServiceToken, token);
      const expiresAt = token.expiresAt.toISOString();
      await this.custody.append(tx, token.id, { type: 'service-token.issued', name, roles, expiresAt }, attribution(caller));
    });
    return { token, secret };
  }

  async authenticate(secret: string): Promise<Actor | undefined> {
    const token = await this.unitOfWork.reader.findOneBy(ServiceToken, { tokenHash: hashSecret(secret) });
    if (token === null || token.revokedAt !== null || token.expiresAt <= this.clock.now()) return undefined;
    return { kind: 'service', id: token.id, name: token.name, roles: token.roles };
  }
}
