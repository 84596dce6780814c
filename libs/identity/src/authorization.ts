import { createParamDecorator, SetMetadata, type ExecutionContext, type Type } from '@nestjs/common';
import { InvalidRequest, Problem } from '#platform';
import type { Caller, PersonActor } from './actor.js';
import type { Action, Refusal, Resource } from './decision.js';

/** The little of Fastify's request that authorization looks at. */
export interface Incoming {
  readonly method: string;
  readonly ip: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly params: Readonly<Record<string, string>>;
  readonly cookies?: Readonly<Record<string, string | undefined>>;
  /** As it was sent, of a request that has one: nobody has looked at it yet. */
  readonly body?: unknown;
  caller?: Caller;
}

/** Finds what a request is about. @throws NotFound */
export interface ResourceLoader {
  load(request: Incoming, caller: Caller): Promise<Resource>;
}

export interface Question {
  readonly action: Action;
  readonly loader?: Type<ResourceLoader>;
}

export const QUESTION = Symbol('QUESTION');

/** Names what a route asks of `decide`, and how to load what it asks about. A route without it is refused. */
export function Asks(action: Action, loader?: Type<ResourceLoader>): MethodDecorator {
  return SetMetadata(QUESTION, { action, ...(loader === undefined ? {} : { loader }) } satisfies Question);
}

/** The caller of the request, as the guard found it. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<Incoming>();
  if (caller === undefined) throw new Error('a handler ran without the guard');
  return caller;
});

/** Narrows to a signed-in person. @throws Forbidden */
export function person(caller: Caller): PersonActor {
  if (caller.actor.kind !== 'person') throw new Forbidden('role');
  return caller.actor;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A path parameter that must be a UUID. @throws InvalidRequest */
export function uuidOf(request: Pick<Incoming, 'params'>, name: string): string {
  const value = request.params[name] ?? '';
  if (!UUID.test(value)) throw new InvalidRequest([{ path: name, message: 'is not a UUID' }]);
  return value;
}

export class NotSignedIn extends Problem {
  constructor(detail = 'Sign in first.', members: Readonly<Record<string, unknown>> = {}) {
    super(401, 'not-signed-in', 'Not signed in', detail, { serverTime: new Date().toISOString(), ...members });
  }
}

const REFUSALS: Readonly<Record<Refusal, string>> = {
  'not-signed-in': 'Sign in first.',
  role: 'Your role does not include this.',
  'not-yours': 'This belongs to somebody else.',
  'own-request': 'Nobody decides on what they asked for themselves; another custodian must.',
  'own-redaction': 'Nobody reviews a redaction whose plan they wrote a version of; another custodian must.',
  'subject-of-request': 'Nobody decides about footage of their own conduct; another custodian must.',
  'decided-before': 'You have decided on this already, for yourself or for somebody else, or somebody has in your place.',
  'seat-taken': 'Others have decided in every seat that your roles could take. Somebody with another role must.',
  'not-released': 'This redaction has not been released yet. Until it is, it is for the custodians who make and review it.',
  'own-disclosure': 'Nobody approves a disclosure that they proposed; another custodian must.',
  'grant-not-begun': 'Your grant for this recording has not begun yet.',
  'grant-used-up':
    'Your grant for this recording was good for a number of viewings, and they have been used. Ask for access again.',
  'grant-is-for-less': 'Your grant for this recording is not for this. Ask for access to what you need.',
  locked: 'This recording is locked against you until you have made a statement. Internal affairs can lift the lock.',
  'disclosure-over': 'This disclosure has ended, was taken back, or has been fetched as often as it may be.',
  'no-grant': 'You have no grant for this recording. Ask for access with a purpose and a case number.',
  'grant-expired': 'Your grant for this recording has ended. Ask for access again.',
  'grant-revoked': 'Your grant for this recording was revoked.',
  'viewing-closed': 'This viewing is closed. Open a new one.',
  'other-session': 'This viewing was opened in another session. Open a new one here.',
  'unknown-action': 'This is not allowed to anybody.',
};

export class Forbidden extends Problem {
  constructor(reason: Refusal) {
    super(403, 'forbidden', 'Not allowed', REFUSALS[reason], { reason });
  }
}
