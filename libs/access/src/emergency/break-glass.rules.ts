import type { PersonActor, Refusal } from '#identity';
import type { BreakGlassPolicy } from '../policy/access-policy.rules.js';

/** What an emergency does not override. */
export interface EmergencyFacts {
  readonly released: boolean;
  readonly lockedAgainst: readonly string[];
  /** Human beings whose conduct the recording shows. */
  readonly subjects: readonly string[];
  /** They took it before, and it was found not to be justified, or somebody took it back: now it is for others to decide. */
  readonly takenBack: boolean;
}

/**
 * Why somebody may not take access to a recording before anybody decides; undefined when they may. No emergency lifts a lock, opens footage of
 * one's own conduct, or lets out a redaction that nobody has released.
 */
export function whyNotTaken(
  actor: Pick<PersonActor, 'human' | 'roles'>,
  policy: BreakGlassPolicy | null,
  { released, lockedAgainst, subjects, takenBack }: EmergencyFacts,
): Refusal | undefined {
  if (lockedAgainst.includes(actor.human)) return 'locked';
  const may = policy?.roles.some((role) => actor.roles.includes(role)) === true && !actor.roles.includes('administrator');
  if (!may) return 'role';
  if (subjects.includes(actor.human)) return 'subject-of-request';
  if (takenBack) return 'grant-revoked';
  return released ? undefined : 'not-released';
}

/** Those of `people` who may review it: neither whoever took it, nor whom the recordings show, under any account; each account once. */
export function reviewersAmong<T extends { readonly id: string; readonly sameAs: string | null }>(
  people: readonly T[],
  taker: string,
  subjects: readonly string[],
): T[] {
  const barred = new Set([taker, ...subjects]);
  const byId = new Map(people.map((person) => [person.id, person]));
  return [...byId.values()].filter(({ id, sameAs }) => !barred.has(sameAs ?? id));
}

/** Whether nobody has reviewed it in time. */
export function isOverdue(
  { reviewedAt, dueAt }: { readonly reviewedAt: Date | null; readonly dueAt: Date | null },
  now: Date,
): boolean {
  return reviewedAt === null && dueAt !== null && dueAt <= now;
}
