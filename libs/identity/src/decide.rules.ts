import type { Actor, Role } from './actor.js';
import {
  ALLOW,
  holding,
  refuse,
  unidentified,
  type Action,
  type Context,
  type Decision,
  type Resource,
  type Rule,
} from './decision.js';
import { openViewing, ownViewing, released, watch } from './footage.rules.js';

const anyone: Rule = () => ALLOW;

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

const decideRequest: Rule = (actor, resource) => {
  if (actor.kind !== 'person') return unidentified(actor);
  if (resource.kind !== 'access-request') return refuse('role');
  if (resource.requestedBy === actor.human) return refuse('own-request');
  if (resource.subjects.includes(actor.human)) return refuse('subject-of-request');
  const roles = [...actor.roles, ...resource.delegated];
  return roles.some((role) => resource.seats.includes(role)) ? ALLOW : refuse('role');
};

const decideRedaction: Rule = (actor, resource, context) => {
  const byRole = holding(['custodian'], false)(actor, resource, context);
  if (!byRole.allowed) return byRole;
  if (actor.kind !== 'person' || resource.kind !== 'redaction') return refuse('role');
  return resource.subjects.includes(actor.human) ? refuse('subject-of-request') : ALLOW;
};

const reviewRedaction: Rule = (actor, resource, context) => {
  const decided = decideRedaction(actor, resource, context);
  if (!decided.allowed || actor.kind !== 'person' || resource.kind !== 'redaction') return decided;
  return resource.authors.includes(actor.human) ? refuse('own-redaction') : ALLOW;
};

/** Whoever calls off the work on a recording, or takes a grant for it back, keeps others from seeing it. */
const stopping =
  (roles: readonly Role[]): Rule =>
  (actor, resource, context) => {
    const byRole = holding(roles, false)(actor, resource, context);
    if (!byRole.allowed || actor.kind !== 'person' || resource.kind !== 'matter') return byRole;
    return resource.subjects.includes(actor.human) ? refuse('subject-of-request') : ALLOW;
  };

/** What a case is called may tell whom it is about what they are not to know yet. */
const readCase: Rule = (actor, resource, context) => {
  const byRole = holding(['supervisor', 'investigator', 'custodian', 'auditor'])(actor, resource, context);
  if (!byRole.allowed || actor.kind !== 'person' || resource.kind !== 'matter') return byRole;
  return resource.subjects.includes(actor.human) ? refuse('subject-of-request') : ALLOW;
};

const reading = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor'] as const;

/** Whoever sees all requests, and whoever made this one. */
const ownOr =
  (roles: readonly Role[]): Rule =>
  (actor, resource, context) => {
    const byRole = holding(roles)(actor, resource, context);
    if (byRole.allowed || actor.kind !== 'person') return byRole;
    return resource.kind === 'own' && resource.owner === actor.id ? ALLOW : refuse('not-yours');
  };
const own: Rule = ownOr([]);

const decideDisclosure: Rule = (actor, resource, context) => {
  const byRole = holding(['custodian'], false)(actor, resource, context);
  if (!byRole.allowed || actor.kind !== 'person' || resource.kind !== 'disclosure')
    return byRole.allowed ? refuse('role') : byRole;
  if (resource.proposedBy === actor.human) return refuse('own-disclosure');
  return resource.subjects.includes(actor.human) ? refuse('subject-of-request') : ALLOW;
};

const receive: Rule = (actor, resource) => {
  if (actor.kind !== 'recipient') return unidentified(actor);
  if (resource.kind !== 'disclosure' || resource.disclosure !== actor.id) return refuse('not-yours');
  return resource.open ? ALLOW : refuse('disclosure-over');
};

const submitRequest: Rule = (actor, resource, context) => {
  const byRole = holding(['officer', 'supervisor', 'investigator', 'custodian', 'auditor'], false)(actor, resource, context);
  if (!byRole.allowed || actor.kind !== 'person') return byRole;
  // A draft, once it is there, is for whoever began it.
  if (resource.kind === 'own') return resource.owner === actor.id ? ALLOW : refuse('not-yours');
  if (resource.kind === 'footage' && resource.lockedAgainst.includes(actor.human)) return refuse('locked');
  return released(actor, resource);
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
  'access-policy.read': holding([...reading, 'administrator']),
  'access-request.submit': submitRequest,
  'access-request.list': holding(reading),
  'access-request.read': ownOr(['custodian', 'auditor', 'supervisor', 'investigator']),
  'access-request.withdraw': own,
  'access-request.decide': decideRequest,
  'access-request.close': own,
  'access-request.expire': systemOnly,
  'delegation.give': holding(['supervisor', 'investigator', 'custodian', 'auditor'], false),
  'delegation.list': holding(reading),
  'delegation.end': own,
  'break-glass.open': holding(reading, false),
  'break-glass.review': decideRequest,
  'notice.list': signedIn,
  'notice.read': own,
  'grant.list': holding(reading),
  'grant.revoke': stopping(['custodian']),
  'lock.set': stopping(['investigator', 'custodian']),
  'lock.list': holding(['supervisor', 'investigator', 'custodian', 'auditor']),
  'lock.record-statement': stopping(['investigator']),
  'lock.lift': stopping(['investigator']),
  'viewing.open': openViewing,
  'viewing.watch': watch,
  'viewing.report': watch,
  'viewing.close': ownViewing,
  'viewing.expire': systemOnly,
  'original.open': openViewing,
  'original.fetch': watch,
  'case.open': holding(['investigator', 'custodian'], false),
  'case.list': holding(['supervisor', 'investigator', 'custodian', 'auditor']),
  'case.read': readCase,
  'case.change': stopping(['investigator', 'custodian']),
  'recording.search': holding(['supervisor', 'investigator', 'custodian', 'auditor']),
  'sampling.commit': holding(['supervisor', 'auditor'], false),
  'sampling.list': holding(['supervisor', 'custodian', 'auditor']),
  'sampling.draw': systemOnly,
  'disclosure.propose': stopping(['custodian']),
  'disclosure.list': holding(['custodian', 'auditor']),
  'disclosure.read': holding(['custodian', 'auditor']),
  'disclosure.decide': decideDisclosure,
  'disclosure.issue': stopping(['custodian']),
  'disclosure.revoke': stopping(['custodian']),
  'disclosure.expire': systemOnly,
  'disclosure.open': anyone,
  'disclosure.fetch': receive,
  'disclosure.confirm': receive,
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
  'job.disclose': systemOnly,
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
