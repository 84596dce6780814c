import { randomBytes } from 'node:crypto';
import type { PersonAnswer } from '../support/answers.js';
import { signIn, type HttpClient } from '../support/http.js';

export interface Enrolled {
  readonly id: string;
  readonly badge: string | null;
  readonly http: HttpClient;
  /** Another session of the same person. */
  signInAgain(): Promise<HttpClient>;
}

/** A new person with those roles, signed in. @param sameAs whose other account this is, where it is somebody's second */
export async function enrol(
  administrator: HttpClient,
  roles: readonly string[],
  badge: string | null = null,
  sameAs: string | null = null,
): Promise<Enrolled> {
  const username = `${roles[0] ?? 'nobody'}-${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('base64url');
  const request = { username, password, name: `Test ${username}`, badge, roles, sameAs };
  const { id } = (await administrator.post<PersonAnswer>('/api/people', request)).expect(201).body;
  const signInAgain = (): Promise<HttpClient> => signIn(administrator.url, { username, password });
  return { id, badge, http: await signInAgain(), signInAgain };
}
