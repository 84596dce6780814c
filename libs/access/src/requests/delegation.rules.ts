import type { Role } from '#identity';

/** Roles whose right to decide can be handed on. */
export const DELEGABLE = ['supervisor', 'investigator', 'custodian', 'auditor'] as const satisfies readonly Role[];

const LONGEST_DAYS = 90;

interface Account {
  readonly human: string;
  readonly roles: readonly Role[];
  readonly enabled: boolean;
}

/**
 * Why somebody may not hand a role on; undefined when they may. What they were handed themselves is not among their `roles`, so that nothing
 * is handed on twice.
 */
export function faultOfDelegation(from: Account, to: Account, role: Role, until: Date, now: Date): string | undefined {
  if (!from.roles.includes(role)) return `You do not hold the role ${role} yourself.`;
  if (from.human === to.human) return 'Nobody stands in for themselves.';
  if (!to.enabled) return 'That account is closed.';
  // Who runs the service, and who is only seen in the footage, do not come to decide on it by the back door.
  if (!to.roles.some((held) => DELEGABLE.some((each) => each === held)) || to.roles.includes('administrator'))
    return `Only somebody who is ${DELEGABLE.join(', ')}, and no administrator, may decide in your place.`;
  if (!(until > now)) return 'The end lies in the past.';
  return until.getTime() - now.getTime() > LONGEST_DAYS * 86_400_000
    ? `The end is more than ${LONGEST_DAYS} days away.`
    : undefined;
}
