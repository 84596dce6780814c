import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { attribution, ROLES, type Caller } from './actor.js';
import { Asks, By } from './authorization.js';
import { PeopleService } from './people.service.js';
import type { Person } from './person.entity.js';

const NewPersonBody = z.strictObject({
  username: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,63}$/, 'must be 2 to 64 letters, digits, dots, hyphens or underscores'),
  name: z.string().trim().min(1).max(200),
  badge: z.string().trim().min(1).max(40).nullable().default(null),
  roles: z.array(z.enum(ROLES)).min(1),
  password: z.string().min(12, 'must have at least 12 characters').max(200),
  sameAs: z.uuid().nullable().default(null),
});

export interface PersonView {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly badge: string | null;
  readonly roles: readonly string[];
  /** The first account of the same human being; null where this is the first. */
  readonly sameAs: string | null;
}

export function viewPerson({ id, username, name, badge, roles, sameAs }: Person): PersonView {
  return { id, username, name, badge, roles, sameAs };
}

@ApiTags('people')
@Controller('api/people')
export class PeopleController {
  constructor(private readonly people: PeopleService) {}

  @Post()
  @Asks('person.enrol')
  async enrol(@Body({ schema: NewPersonBody }) body: z.infer<typeof NewPersonBody>, @By() caller: Caller): Promise<PersonView> {
    return viewPerson(await this.people.enrol(body, attribution(caller)));
  }

  @Get()
  @Asks('person.list')
  async list(): Promise<{ people: PersonView[] }> {
    return { people: (await this.people.list()).map(viewPerson) };
  }
}
