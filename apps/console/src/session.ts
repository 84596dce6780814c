import { call, Refused } from './service.js';

// Written by hand; a client generated from /api/openapi.json takes its place when the console has more pages.
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly badge: string | null;
  readonly roles: readonly string[];
}

/** Who is signed in here; undefined when nobody is. @throws Refused, Unreachable */
export async function whoIsSignedIn(): Promise<Person | undefined> {
  try {
    return await personIn(await call('GET', '/api/session'));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return undefined;
    throw error;
  }
}

/** @throws Refused when name and password are not right */
export async function signIn(username: string, password: string): Promise<Person> {
  return personIn(await call('POST', '/api/session', { json: { username, password } }));
}

export async function signOut(): Promise<void> {
  await call('DELETE', '/api/session').catch((error: unknown) => {
    // It had ended already.
    if (!(error instanceof Refused && error.status === 401)) throw error;
  });
}

async function personIn(response: Response): Promise<Person> {
  return ((await response.json()) as { person: Person }).person;
}

const MAY_HAND_IN = ['officer', 'supervisor', 'investigator', 'custodian'];

/** Says what to show; the service decides. */
export function mayHandIn(person: Person): boolean {
  return person.roles.some((role) => MAY_HAND_IN.includes(role));
}

const MAY_WATCH = [...MAY_HAND_IN, 'auditor'];

/** Footage is never for somebody who also administers. It says what to show; the service decides. */
export function mayWatch(person: Person): boolean {
  return !person.roles.includes('administrator') && person.roles.some((role) => MAY_WATCH.includes(role));
}
