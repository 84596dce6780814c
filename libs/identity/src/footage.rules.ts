import type { Actor, PersonActor } from './actor.js';
import {
  ALLOW,
  refuse,
  unidentified,
  type Decision,
  type FootageFacts,
  type GrantFacts,
  type Resource,
  type Rule,
} from './decision.js';

/** Until it is released, a redaction is for those who make and review it. */
export const released = (actor: Actor, resource: Resource): Decision => {
  if ((resource.kind !== 'footage' && resource.kind !== 'viewing') || resource.released) return ALLOW;
  return actor.kind === 'person' && actor.roles.includes('custodian') ? ALLOW : refuse('not-released');
};

/** Footage is for people, never machines, and never for somebody who also administers. DESIGN.md §1 */
const mayWatch = (actor: Actor): Decision => {
  if (actor.kind !== 'person') return unidentified(actor);
  return actor.roles.includes('administrator') ? refuse('role') : ALLOW;
};

function live(
  grant: GrantFacts | null,
  person: PersonActor,
  { recording, needs, lockedAgainst }: FootageFacts,
  now: Date,
): Decision {
  // Before everything else: a lock holds against whatever grant there is.
  if (lockedAgainst.includes(person.human)) return refuse('locked');
  if (grant === null || grant.recording !== recording) return refuse('no-grant');
  if (grant.person !== person.id) return refuse('not-yours');
  if (grant.revokedAt !== null) return refuse('grant-revoked');
  // Asked this way round, a time that is none at all refuses.
  if (!(grant.startsAt <= now)) return refuse('grant-not-begun');
  if (!(grant.expiresAt > now)) return refuse('grant-expired');
  return grant.actions.includes(needs) ? ALLOW : refuse('grant-is-for-less');
}

export const openViewing: Rule = (actor, resource, { now }) => {
  const watching = mayWatch(actor);
  if (!watching.allowed || actor.kind !== 'person') return watching;
  const out = released(actor, resource);
  if (!out.allowed) return out;
  if (resource.kind !== 'footage') return refuse('no-grant');
  const standing = live(resource.grant, actor, resource, now);
  return standing.allowed && resource.grant?.viewingsLeft === 0 ? refuse('grant-used-up') : standing;
};

/** Also when the grant has ended since: closing a viewing is putting it on record. */
export const ownViewing: Rule = (actor, resource) => {
  if (actor.kind !== 'person') return unidentified(actor);
  if (resource.kind !== 'viewing' || resource.person !== actor.id) return refuse('not-yours');
  return resource.session === actor.session ? ALLOW : refuse('other-session');
};

export const watch: Rule = (actor, resource, context) => {
  const watching = mayWatch(actor);
  const own = watching.allowed ? ownViewing(actor, resource, context) : watching;
  if (!own.allowed || actor.kind !== 'person' || resource.kind !== 'viewing') return own;
  const out = released(actor, resource);
  if (!out.allowed) return out;
  // The service closes a viewing whose grant has ended: why it ended tells the viewer more than that it is closed.
  const standing = live(resource.grant, actor, resource, context.now);
  return standing.allowed && resource.closedAt !== null ? refuse('viewing-closed') : standing;
};
