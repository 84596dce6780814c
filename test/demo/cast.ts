import { randomBytes } from 'node:crypto';
import type { PersonAnswer } from '../support/answers.js';
import { signIn, type Credentials, type HttpClient } from '../support/http.js';
import { accountOf } from '../support/stack.js';
import type { DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';

/** Everybody in the story, signed in. */
export interface Cast extends Told {
  readonly administrator: HttpClient;
  readonly custodian: HttpClient;
  readonly auditor: HttpClient;
  /** Enrolled in this run: has no grant for anything yet. */
  readonly investigator: HttpClient;
  readonly investigatorId: string;
  /** Enrolled in this run, investigator and custodian at once: may ask and may grant, but not both for the same thing. */
  readonly both: HttpClient;
  /** Of the officer who wore the cameras, enrolled in this run. */
  readonly badge: string;
}

export async function enrolPeople({ url, run, accounts }: DemoContext): Promise<Cast> {
  const of = async (role: string): Promise<HttpClient> => signIn(url, accountOf(accounts, role));
  const administrator = await of('administrator');
  const enrol = async (
    role: string,
    name: string,
    roles: readonly string[],
  ): Promise<Credentials & { id: string; badge: string }> => {
    const person = { username: `${role}.${run}`, name, badge: `${role.slice(0, 1).toUpperCase()}-${run}`, roles };
    const password = randomBytes(18).toString('base64url');
    const { id, username, badge } = (await administrator.post<PersonAnswer>('/api/people', { ...person, password })).expect(
      201,
    ).body;
    return { id, username, password, badge: badge ?? '' };
  };
  const officer = await enrol('officer', 'Officer María Peña', ['officer']);
  const investigator = await enrol('investigator', 'Inv. Jürgen Łukasik', ['investigator']);
  const both = await enrol('both', 'Sgt. Noor Haddad', ['investigator', 'custodian']);
  return {
    administrator,
    custodian: await of('custodian'),
    auditor: await of('auditor'),
    investigator: await signIn(url, investigator),
    investigatorId: investigator.id,
    both: await signIn(url, both),
    badge: officer.badge,
    detail: '3 enrolled, 5 signed in',
  };
}
