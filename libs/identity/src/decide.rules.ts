import type { JobName } from '#platform';
import type { Actor, Role } from './actor.js';

/** Everything that can be asked for. A route or a job that asks for none of these is refused. */
export type Action =
  | 'health.read'
  | 'documentation.read'
  | 'console.read'
  | 'log.read'
  | 'log.read-entries'
  | 'session.open'
  | 'session.read'
  | 'session.close'
  | 'person.enrol'
  | 'person.list'
  | 'service-token.issue'
  | 'dock.enrol'
  | 'dock.list'
  | 'dock.revoke'
  | 'camera.register'
  | 'camera.list'
  | 'camera.assign'
  | 'camera.retire'
  | 'camera-gaps.read'
  | 'manifest.announce'
  | 'upload.hand-in'
  | 'upload.read'
  | 'upload.send'
  | 'upload.expire'
  | 'receipt.read'
  | 'recording.list'
  | 'recording.read'
  | 'alert.list'
  | 'alert.acknowledge'
  | 'fixity.order'
  | 'access-request.submit'
  | 'access-request.list'
  | 'access-request.decide'
  | 'grant.list'
  | 'grant.revoke'
  | 'viewing.open'
  | 'viewing.watch'
  | 'viewing.close'
  | 'viewing.expire'
  | 'redaction.order'
  | 'redaction.read'
  | 'redaction.review'
  | 'redaction.release'
  | 'custody.read'
  | 'custody-report.export'
  | 'evidence-bundle.export'
  | 'job.list'
  | 'job.cancel'
  | 'job.retry'
  | `job.${JobName}`;

/** A grant as the rules need it. */
export interface GrantFacts {
  readonly id: string;
  readonly person: string;
  readonly recording: string;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

/** What is asked about. `recording` is where a refusal goes on record. */
export type Resource =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'recording';
      readonly recording: string;
      readonly dock: string | null;
      readonly officer: string | null;
      /** Who handed it in, when no dock did. */
      readonly handedInBy: string | null;
      readonly state: string;
    }
  | {
      readonly kind: 'access-request';
      readonly recording: string;
      readonly requestedBy: string;
      /** People whose conduct the recordings show: they decide nothing about them. */
      readonly subjects: readonly string[];
    }
  /** Something about a recording that is not for whom it shows to stop: work on it, or a grant for it. */
  | { readonly kind: 'matter'; readonly recording: string; readonly subjects: readonly string[] }
  /** Asking for access, or opening a viewing: the best grant this person has for it, if any. */
  | {
      readonly kind: 'footage';
      readonly recording: string;
      readonly grant: GrantFacts | null;
      /** False of a redaction that nobody has released yet. */
      readonly released: boolean;
    }
  | {
      readonly kind: 'redaction';
      readonly recording: string;
      /** Everybody who saved a version of its plan: they do not review it. Nobody where it is only to be begun. */
      readonly authors: readonly string[];
      /** People whose conduct the recording shows: they neither make, nor give up, nor review nor release what others get to see of it. */
      readonly subjects: readonly string[];
    }
  | {
      readonly kind: 'viewing';
      readonly recording: string;
      readonly person: string;
      readonly session: string;
      readonly closedAt: Date | null;
      readonly grant: GrantFacts;
      readonly released: boolean;
    };

export interface Context {
  readonly now: Date;
}

export type Refusal =
  | 'not-signed-in'
  | 'role'
  | 'not-yours'
  | 'own-request'
  | 'own-redaction'
  | 'subject-of-request'
  | 'not-released'
  | 'no-grant'
  | 'grant-expired'
  | 'grant-revoked'
  | 'viewing-closed'
  | 'other-session'
  | 'unknown-action';

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: Refusal };

const ALLOW: Decision = { allowed: true };
const refuse = (reason: Refusal): Decision => ({ allowed: false, reason });

type Rule = (actor: Actor, resource: Resource, context: Context) => Decision;

const anyone: Rule = () => ALLOW;

function unidentified(actor: Actor): Decision {
  return refuse(actor.kind === 'anonymous' ? 'not-signed-in' : 'role');
}

/** People, and machines where `services`, that hold one of `roles`. */
function holding(roles: readonly Role[], services = true): Rule {
  return (actor) => {
    const mayHold = actor.kind === 'person' || (services && actor.kind === 'service');
    return mayHold && actor.roles.some((role) => roles.includes(role)) ? ALLOW : unidentified(actor);
  };
}

const handIn = holding(['officer', 'supervisor', 'investigator', 'custodian'], false);

const signedIn: Rule = (actor) => (actor.kind === 'person' ? ALLOW : unidentified(actor));

const anyDock: Rule = (actor) => (actor.kind === 'dock' ? ALLOW : unidentified(actor));

/** Whoever announced the file: a dock, or the person who handed it in, while they may still do so. */
const ownUpload: Rule = (actor, resource, context) => {
  if (resource.kind !== 'recording') return refuse('not-yours');
  if (actor.kind === 'dock') return resource.dock === actor.id ? ALLOW : refuse('not-yours');
  const mayHandIn = handIn(actor, resource, context);
  if (!mayHandIn.allowed || actor.kind !== 'person') return mayHandIn;
  return resource.handedInBy === actor.id ? ALLOW : refuse('not-yours');
};

const systemOnly: Rule = (actor) => (actor.kind === 'system' ? ALLOW : unidentified(actor));

const readRecording: Rule = (actor, resource, context) => {
  const byRole = holding(['supervisor', 'investigator', 'custodian', 'auditor'])(actor, resource, context);
  if (byRole.allowed || actor.kind !== 'person' || !actor.roles.includes('officer')) return byRole;
  return resource.kind === 'recording' && resource.officer === actor.id ? ALLOW : refuse('not-yours');
};

const decideRequest: Rule = (actor, resource, context) => {
  const byRole = holding(['custodian'], false)(actor, resource, context);
  if (!byRole.allowed) return byRole;
  if (actor.kind !== 'person' || resource.kind !== 'access-request') return refuse('role');
  if (resource.requestedBy === actor.id) return refuse('own-request');
  return resource.subjects.includes(actor.id) ? refuse('subject-of-request') : ALLOW;
};

const decideRedaction: Rule = (actor, resource, context) => {
  const byRole = holding(['custodian'], false)(actor, resource, context);
  if (!byRole.allowed) return byRole;
  if (actor.kind !== 'person' || resource.kind !== 'redaction') return refuse('role');
  return resource.subjects.includes(actor.id) ? refuse('subject-of-request') : ALLOW;
};

const reviewRedaction: Rule = (actor, resource, context) => {
  const decided = decideRedaction(actor, resource, context);
  if (!decided.allowed || actor.kind !== 'person' || resource.kind !== 'redaction') return decided;
  return resource.authors.includes(actor.id) ? refuse('own-redaction') : ALLOW;
};

/** Whoever calls off the work on a recording, or takes a grant for it back, keeps others from seeing it. */
const stopping =
  (roles: readonly Role[]): Rule =>
  (actor, resource, context) => {
    const byRole = holding(roles, false)(actor, resource, context);
    if (!byRole.allowed || actor.kind !== 'person' || resource.kind !== 'matter') return byRole;
    return resource.subjects.includes(actor.id) ? refuse('subject-of-request') : ALLOW;
  };

/** Until it is released, a redaction is for those who make and review it. */
const released = (actor: Actor, resource: Resource): Decision => {
  if ((resource.kind !== 'footage' && resource.kind !== 'viewing') || resource.released) return ALLOW;
  return actor.kind === 'person' && actor.roles.includes('custodian') ? ALLOW : refuse('not-released');
};

const submitRequest: Rule = (actor, resource, context) => {
  const byRole = holding(['officer', 'supervisor', 'investigator', 'custodian', 'auditor'], false)(actor, resource, context);
  return byRole.allowed ? released(actor, resource) : byRole;
};

/** Footage is for people, never machines, and never for somebody who also administers. DESIGN.md §1 */
const mayWatch = (actor: Actor): Decision => {
  if (actor.kind !== 'person') return unidentified(actor);
  return actor.roles.includes('administrator') ? refuse('role') : ALLOW;
};

function live(grant: GrantFacts | null, person: string, recording: string, now: Date): Decision {
  if (grant === null || grant.recording !== recording) return refuse('no-grant');
  if (grant.person !== person) return refuse('not-yours');
  if (grant.revokedAt !== null) return refuse('grant-revoked');
  // Asked this way round, an end that is no time at all refuses.
  return grant.expiresAt > now ? ALLOW : refuse('grant-expired');
}

const openViewing: Rule = (actor, resource, { now }) => {
  const watching = mayWatch(actor);
  if (!watching.allowed || actor.kind !== 'person') return watching;
  const out = released(actor, resource);
  if (!out.allowed) return out;
  return resource.kind === 'footage' ? live(resource.grant, actor.id, resource.recording, now) : refuse('no-grant');
};

const ownViewing: Rule = (actor, resource) => {
  if (actor.kind !== 'person') return unidentified(actor);
  if (resource.kind !== 'viewing' || resource.person !== actor.id) return refuse('not-yours');
  return resource.session === actor.session ? ALLOW : refuse('other-session');
};

const watch: Rule = (actor, resource, context) => {
  const watching = mayWatch(actor);
  const own = watching.allowed ? ownViewing(actor, resource, context) : watching;
  if (!own.allowed || actor.kind !== 'person' || resource.kind !== 'viewing') return own;
  const out = released(actor, resource);
  if (!out.allowed) return out;
  return resource.closedAt === null ? live(resource.grant, actor.id, resource.recording, context.now) : refuse('viewing-closed');
};

const RULES: Readonly<Record<Action, Rule>> = {
  'health.read': anyone,
  'documentation.read': anyone,
  'console.read': anyone,
  'log.read': anyone,
  'log.read-entries': holding(['auditor']),
  'session.open': anyone,
  'session.read': signedIn,
  'session.close': signedIn,
  'person.enrol': holding(['administrator'], false),
  'person.list': holding(['administrator', 'custodian', 'auditor']),
  'service-token.issue': holding(['administrator'], false),
  'dock.enrol': holding(['administrator'], false),
  'dock.list': holding(['administrator', 'auditor']),
  'dock.revoke': holding(['administrator'], false),
  'camera.register': holding(['administrator'], false),
  'camera.list': holding(['supervisor', 'custodian', 'auditor', 'administrator']),
  'camera.assign': holding(['supervisor', 'administrator'], false),
  'camera.retire': holding(['administrator'], false),
  'camera-gaps.read': holding(['supervisor', 'custodian', 'auditor', 'administrator']),
  'manifest.announce': anyDock,
  'upload.hand-in': handIn,
  'upload.read': ownUpload,
  'upload.send': ownUpload,
  'upload.expire': systemOnly,
  'receipt.read': ownUpload,
  'recording.list': holding(['officer', 'supervisor', 'investigator', 'custodian', 'auditor']),
  'recording.read': readRecording,
  'alert.list': holding(['custodian', 'auditor', 'administrator']),
  'alert.acknowledge': holding(['custodian', 'administrator'], false),
  'fixity.order': holding(['custodian', 'auditor'], false),
  'access-request.submit': submitRequest,
  'access-request.list': holding(['officer', 'supervisor', 'investigator', 'custodian', 'auditor']),
  'access-request.decide': decideRequest,
  'grant.list': holding(['officer', 'supervisor', 'investigator', 'custodian', 'auditor']),
  'grant.revoke': stopping(['custodian']),
  'viewing.open': openViewing,
  'viewing.watch': watch,
  'viewing.close': ownViewing,
  'viewing.expire': systemOnly,
  'redaction.order': decideRedaction,
  'redaction.read': holding(['custodian', 'auditor']),
  'redaction.review': reviewRedaction,
  'redaction.release': decideRedaction,
  'custody.read': holding(['auditor', 'custodian']),
  'custody-report.export': holding(['auditor', 'custodian']),
  'evidence-bundle.export': holding(['auditor', 'custodian']),
  'job.list': holding(['custodian', 'auditor', 'administrator']),
  'job.cancel': stopping(['custodian', 'administrator']),
  'job.retry': holding(['custodian', 'administrator'], false),
  'job.seal': systemOnly,
  'job.transcode': systemOnly,
  'job.redact': systemOnly,
  'job.propose': systemOnly,
  'job.fixity': systemOnly,
  'job.drop-upload': systemOnly,
};

export const ACTIONS = Object.keys(RULES) as Action[];

/**
 * The one question that every route and every job asks. Pure and total: an unknown action, and whatever no rule allows, is refused.
 * `resource` is what the action is about, loaded before asking; `context.now` is the only clock.
 */
export function decide(actor: Actor, action: Action, resource: Resource, context: Context): Decision {
  if (!Object.hasOwn(RULES, action)) return refuse('unknown-action');
  return RULES[action](actor, resource, context);
}

/** True when anybody may, without an account. */
export function isPublic(action: Action): boolean {
  return Object.hasOwn(RULES, action) && RULES[action] === anyone;
}
