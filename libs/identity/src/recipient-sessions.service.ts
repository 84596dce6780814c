import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock, UnitOfWork, type Tx } from '#platform';
import type { Actor, Caller } from './actor.js';
import { RecipientSession } from './recipient-session.entity.js';
import { hashSecret, newSecret } from './secret-token.js';

const LASTS_MS = 2 * 3_600_000;

/** Sessions of people outside. Whether they showed what they had to is for libs/access to say; what they may do, for `decide`. */
@Injectable()
export class RecipientSessions {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** In the transaction that puts it on record. It ends with the disclosure, or after two hours. */
  async open(
    tx: Tx,
    disclosure: { readonly id: string; readonly recipient: string; readonly until: Date },
    caller: Caller,
  ): Promise<{ token: string; expiresAt: Date; session: string }> {
    const now = this.clock.now();
    const { secret, hash } = newSecret('');
    const expiresAt = new Date(Math.min(now.getTime() + LASTS_MS, disclosure.until.getTime()));
    const session: RecipientSession = {
      id: uuidv7(),
      tokenHash: hash,
      disclosureId: disclosure.id,
      name: disclosure.recipient,
      address: caller.address,
      userAgent: caller.userAgent,
      createdAt: now,
      expiresAt,
      endedAt: null,
    };
    await tx.insert(RecipientSession, session);
    return { token: secret, expiresAt, session: session.id };
  }

  async authenticate(token: string): Promise<Extract<Actor, { kind: 'recipient' }> | undefined> {
    const session = await this.unitOfWork.reader.findOneBy(RecipientSession, { tokenHash: hashSecret(token) });
    if (session === null || session.endedAt !== null || session.expiresAt <= this.clock.now()) return undefined;
    return { kind: 'recipient', id: session.disclosureId, name: session.name, session: session.id };
  }

  /** Whether it was ended before its time; one that there is not counts as ended. */
  async isEnded(id: string): Promise<boolean> {
    return !(await this.unitOfWork.reader.existsBy(RecipientSession, { id, endedAt: IsNull() }));
  }

  /** All of a disclosure's: whoever came in by the link before does not stay in by it. */
  async end(tx: Tx, disclosureId: string): Promise<void> {
    await tx.update(RecipientSession, { disclosureId, endedAt: IsNull() }, { endedAt: this.clock.now() });
  }
}
