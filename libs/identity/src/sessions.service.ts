import { hash, verify } from '@node-rs/argon2';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { Clock, CONFIG, Problem, UnitOfWork, type Config } from '#platform';
import { attribution, type Caller, type PersonActor } from './actor.js';
import { PeopleService } from './people.service.js';
import { Person } from './person.entity.js';
import { hashSecret, newSecret } from './secret-token.js';
import { Session } from './session.entity.js';

export class WrongCredentials extends Problem {
  constructor() {
    super(401, 'wrong-credentials', 'Not signed in', 'The username or the password is wrong.');
  }
}

function actorOf(person: Person, session: Pick<Session, 'id' | 'method'>): PersonActor {
  const { id, name, badge, roles } = person;
  return { kind: 'person', id, human: person.sameAs ?? id, name, badge, roles, session: session.id, method: session.method };
}

/** Opaque server-side sessions: the cookie means nothing without our table, and ends when we say so. */
@Injectable()
export class SessionsService {
  /** Verified against when the account does not exist, so that the time an answer takes tells nothing. */
  private readonly decoy = hash('there is no such account');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly people: PeopleService,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** @throws WrongCredentials, on record when the account exists */
  async open(username: string, password: string, caller: Caller): Promise<{ person: Person; token: string; expiresAt: Date }> {
    const person = await this.people.findByUsername(username);
    const matches = await verify(person?.passwordHash ?? (await this.decoy), password);
    if (person === null || !matches || person.disabledAt !== null) {
      if (person !== null) await this.recordFailure(person, caller);
      throw new WrongCredentials();
    }
    const now = this.clock.now();
    const { secret, hash: tokenHash } = newSecret('');
    const session: Session = {
      id: uuidv7(),
      tokenHash,
      personId: person.id,
      method: 'password',
      address: caller.address,
      userAgent: caller.userAgent,
      createdAt: now,
      expiresAt: new Date(now.getTime() + this.config.SESSION_HOURS * 3_600_000),
      endedAt: null,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(Session, session);
      const by = attribution({ ...caller, actor: actorOf(person, session) });
      await this.custody.append(tx, person.id, { type: 'sign-in.succeeded', method: session.method }, by);
    });
    return { person, token: secret, expiresAt: session.expiresAt };
  }

  async authenticate(token: string): Promise<PersonActor | undefined> {
    const session = await this.unitOfWork.reader.findOneBy(Session, { tokenHash: hashSecret(token) });
    if (session === null || session.endedAt !== null || session.expiresAt <= this.clock.now()) return undefined;
    const person = await this.people.get(session.personId);
    return person === null || person.disabledAt !== null ? undefined : actorOf(person, session);
  }

  async close(actor: PersonActor, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      await tx.update(Session, { id: actor.session }, { endedAt: this.clock.now() });
      await this.custody.append(tx, actor.id, { type: 'signed-out', session: actor.session }, attribution(caller));
    });
  }

  private async recordFailure(person: Person, caller: Caller): Promise<void> {
    await this.unitOfWork.run((tx) =>
      this.custody.append(
        tx,
        person.id,
        { type: 'sign-in.failed', method: 'password' },
        attribution({ ...caller, actor: { kind: 'anonymous' } }),
      ),
    );
  }
}
