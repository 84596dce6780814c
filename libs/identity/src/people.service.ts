import { hash } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { ArrayOverlap, In, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody, type Attribution } from '#custody';
import { Clock, isUniqueViolation, Problem, UnitOfWork, type Tx } from '#platform';
import type { Role } from './actor.js';
import { Person } from './person.entity.js';

export interface NewPerson {
  readonly username: string;
  readonly name: string;
  readonly badge: string | null;
  readonly roles: readonly Role[];
  readonly password: string;
  /** Another account of the same human being. */
  readonly sameAs?: string | null | undefined;
}

export class PersonUnknown extends Problem {
  constructor() {
    super(422, 'person-unknown', 'Unknown person', 'There is no account with that id.');
  }
}

export class AccountExists extends Problem {
  constructor() {
    super(409, 'account-exists', 'Already enrolled', 'There is already a person with this username or badge.');
  }
}

@Injectable()
export class PeopleService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** @throws AccountExists, PersonUnknown */
  async enrol(request: NewPerson, by: Attribution): Promise<Person> {
    const passwordHash = await hash(request.password); // argon2id, m=19 MiB, t=2, p=1 (OWASP)
    const same = typeof request.sameAs === 'string' ? await this.get(request.sameAs) : undefined;
    if (same === null) throw new PersonUnknown();
    const person: Person = {
      id: uuidv7(),
      sameAs: same === undefined ? null : (same.sameAs ?? same.id),
      username: request.username.toLowerCase(),
      name: request.name,
      badge: request.badge,
      roles: [...request.roles],
      passwordHash,
      disabledAt: null,
      createdAt: this.clock.now(),
    };
    try {
      await this.unitOfWork.run(async (tx) => {
        await tx.insert(Person, person);
        const { username, name, badge, roles, sameAs } = person;
        const event = { type: 'person.enrolled', username, name, badge, roles, ...(sameAs === null ? {} : { sameAs }) } as const;
        await this.custody.append(tx, person.id, event, by);
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new AccountExists();
      throw error;
    }
    return person;
  }

  async list(): Promise<Person[]> {
    return this.unitOfWork.reader.find(Person, { order: { username: 'ASC' } });
  }

  /** @param on the open transaction, if there is one */
  async findByUsername(username: string, on: Tx = this.unitOfWork.reader): Promise<Person | null> {
    return on.findOneBy(Person, { username: username.toLowerCase() });
  }

  /** Who carries a badge, for what a dock says about a recording; null when nobody does. @param on the open transaction, if there is one */
  async findByBadge(badge: string, on: Tx = this.unitOfWork.reader): Promise<Person | null> {
    return on.findOneBy(Person, { badge });
  }

  async get(id: string): Promise<Person | null> {
    return this.unitOfWork.reader.findOneBy(Person, { id });
  }

  /** The human beings behind these accounts, each once. @param on the open transaction, if there is one */
  async humans(ids: readonly string[], on: Tx = this.unitOfWork.reader): Promise<string[]> {
    if (ids.length === 0) return [];
    const accounts = await on.findBy(Person, { id: In([...new Set(ids)]) });
    return [...new Set(accounts.map(({ id, sameAs }) => sameAs ?? id))];
  }

  /** Everybody who holds one of the roles and can sign in. @param on the open transaction, if there is one */
  async holding(roles: readonly Role[], on: Tx = this.unitOfWork.reader): Promise<Person[]> {
    return roles.length === 0 ? [] : on.findBy(Person, { roles: ArrayOverlap([...roles]), disabledAt: IsNull() });
  }
}
