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
  | 'access-policy.read'
  | 'access-request.submit'
  | 'access-request.list'
  | 'access-request.read'
  | 'access-request.withdraw'
  | 'access-request.decide'
  | 'access-request.close'
  | 'access-request.expire'
  | 'delegation.give'
  | 'delegation.list'
  | 'delegation.end'
  | 'break-glass.open'
  | 'break-glass.review'
  | 'notice.list'
  | 'notice.read'
  | 'grant.list'
  | 'grant.revoke'
  | 'lock.set'
  | 'lock.list'
  | 'lock.record-statement'
  | 'lock.lift'
  | 'viewing.open'
  | 'viewing.watch'
  | 'viewing.report'
  | 'viewing.close'
  | 'viewing.expire'
  | 'original.open'
  | 'original.fetch'
  | 'case.open'
  | 'case.list'
  | 'case.read'
  | 'case.change'
  | 'recording.search'
  | 'sampling.commit'
  | 'sampling.list'
  | 'sampling.draw'
  | 'disclosure.propose'
  | 'disclosure.list'
  | 'disclosure.read'
  | 'disclosure.decide'
  | 'disclosure.issue'
  | 'disclosure.revoke'
  | 'disclosure.expire'
  | 'disclosure.open'
  | 'disclosure.fetch'
  | 'disclosure.confirm'
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

/** What a grant may be for. To watch an original of which a redacted copy was released takes more than to watch what nobody redacted. */
export const GRANT_ACTIONS = ['view', 'view-unredacted', 'export', 'disclose'] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

/** A grant as the rules need it. */
export interface GrantFacts {
  readonly id: string;
  readonly person: string;
  readonly recording: string;
  readonly actions: readonly GrantAction[];
  readonly startsAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  /** How many more viewings may be opened; null for any number. */
  readonly viewingsLeft: number | null;
}

/** What the footage itself asks of whoever would see it. */
export interface FootageFacts {
  readonly recording: string;
  /** What a grant must be for. */
  readonly needs: GrantAction;
  /** False of a redaction that nobody has released yet. */
  readonly released: boolean;
  /** People against whom the recording is locked until they have made a statement. */
  readonly lockedAgainst: readonly string[];
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
      /** A human being, as in all of these facts: the first account of whoever asked. */
      readonly requestedBy: string;
      /** People whose conduct the recordings show: they decide nothing about them. */
      readonly subjects: readonly string[];
      /** Roles that the policy lets decide about any of what is asked for. */
      readonly seats: readonly Role[];
      /** Roles in which others let this very person decide in their place. */
      readonly delegated: readonly Role[];
    }
  /** Something that belongs to one person: a request that they made, a notice to them, a delegation they gave. */
  | { readonly kind: 'own'; readonly recording: string; readonly owner: string }
  /** A disclosure: whoever proposed it does not decide on it, nor does whom it shows. */
  | {
      readonly kind: 'disclosure';
      readonly recording: string;
      readonly disclosure: string;
      readonly proposedBy: string;
      readonly subjects: readonly string[];
      /** Approved, packaged, and neither revoked, over, nor fetched as often as it may be. */
      readonly open: boolean;
    }
  /** Something about a recording that is not for whom it shows to stop: work on it, or a grant for it. */
  | { readonly kind: 'matter'; readonly recording: string; readonly subjects: readonly string[] }
  /** Asking for access, or opening a viewing: the best grant this person has for it, if any. */
  | ({ readonly kind: 'footage'; readonly grant: GrantFacts | null } & FootageFacts)
  | {
      readonly kind: 'redaction';
      readonly recording: string;
      /** Everybody who saved a version of its plan: they do not review it. Nobody where it is only to be begun. */
      readonly authors: readonly string[];
      /** People whose conduct the recording shows: they neither make, nor give up, nor review nor release what others get to see of it. */
      readonly subjects: readonly string[];
    }
  | ({
      readonly kind: 'viewing';
      readonly person: string;
      readonly session: string;
      readonly closedAt: Date | null;
      readonly grant: GrantFacts;
    } & FootageFacts);

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
  | 'decided-before'
  | 'seat-taken'
  | 'not-released'
  | 'own-disclosure'
  | 'no-grant'
  | 'grant-not-begun'
  | 'grant-expired'
  | 'grant-revoked'
  | 'grant-used-up'
  | 'grant-is-for-less'
  | 'locked'
  | 'disclosure-over'
  | 'viewing-closed'
  | 'other-session'
  | 'unknown-action';

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: Refusal };

export const ALLOW: Decision = { allowed: true };
export const refuse = (reason: Refusal): Decision => ({ allowed: false, reason });

export type Rule = (actor: Actor, resource: Resource, context: Context) => Decision;

export function unidentified(actor: Actor): Decision {
  return refuse(actor.kind === 'anonymous' ? 'not-signed-in' : 'role');
}

/** People, and machines where `services`, that hold one of `roles`. */
export function holding(roles: readonly Role[], services = true): Rule {
  return (actor) => {
    const mayHold = actor.kind === 'person' || (services && actor.kind === 'service');
    return mayHold && actor.roles.some((role) => roles.includes(role)) ? ALLOW : unidentified(actor);
  };
}
