import { hash } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
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

  /** @throws AccountExists */
  async enrol(request: NewPerson, by: Attribution): Promise<Person> {
    const passwordHash = await hash(request.password); // argon2id, m=19 MiB, t=2, p=1 (OWASP)
    const person: Person = {
      id: uuidv7(),
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
        const { username, name, badge, roles } = person;
        await this.custody.append(tx, person.id, { type: 'person.enrolled', username, name, badge, roles }, by);
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

  async findByUsername(username: string): Promise<Person | null> {
    return this.unitOfWork.reader.findOneBy(Person, { username: username.toLowerCase() });
  }

  /** Who carries a badge, for what a dock says about a recording; null when nobody does. @param on the open transaction, if there is one */
  async findByBadge(badge: string, on: Tx = this.unitOfWork.reader): Promise<Person | null> {
    return on.findOneBy(Person, { badge });
  }

  async get(id: string): Promise<Person | null> {
    return this.unitOfWork.reader.findOneBy(Person, { id });
  }
}
