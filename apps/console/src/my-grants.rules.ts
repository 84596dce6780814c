/** A grant as GET /api/grants tells of it. */
export interface Grant {
  readonly id: string;
  readonly recording: string;
  readonly person: string;
  readonly purpose: string;
  readonly caseNumber: string;
  readonly actions: readonly string[];
  readonly startsAt: string;
  readonly expiresAt: string;
  readonly viewingsLeft: number | null;
  readonly revokedAt: string | null;
}

export type Standing = 'live' | 'not-begun' | 'revoked' | 'over' | 'used-up' | 'not-for-watching';

/** What can be done with a grant now. It says what to show; the service decides. */
export function standingOf(grant: Grant, now: number): Standing {
  if (grant.revokedAt !== null) return 'revoked';
  if (!(Date.parse(grant.expiresAt) > now)) return 'over';
  if (!grant.actions.some((action) => action === 'view' || action === 'view-unredacted')) return 'not-for-watching';
  if (grant.viewingsLeft !== null && grant.viewingsLeft <= 0) return 'used-up';
  return Date.parse(grant.startsAt) <= now ? 'live' : 'not-begun';
}

export const STANDINGS: Readonly<Record<Standing, { readonly label: string; readonly color: string }>> = {
  live: { label: 'Open to you', color: 'green' },
  'not-begun': { label: 'Not begun yet', color: 'blue' },
  revoked: { label: 'Revoked', color: 'red' },
  over: { label: 'Ended', color: 'gray' },
  'used-up': { label: 'Used up', color: 'gray' },
  'not-for-watching': { label: 'Not for watching', color: 'gray' },
};

/** How many viewings a grant is still good for; undefined when it does not count them. */
export function viewingsLeftInWords(left: number | null): string | undefined {
  if (left === null) return undefined;
  if (left <= 0) return 'No viewing left.';
  return left === 1 ? 'One viewing left.' : `${left} viewings left.`;
}

/** Own ones only, newest first as they come; live and coming ones apart from what is over. */
export function sorted(
  grants: readonly Grant[],
  person: string,
  now: number,
): { readonly open: readonly Grant[]; readonly over: readonly Grant[] } {
  const own = grants.filter((grant) => grant.person === person);
  const isOpen = (grant: Grant): boolean => ['live', 'not-begun'].includes(standingOf(grant, now));
  return { open: own.filter(isOpen), over: own.filter((grant) => !isOpen(grant)) };
}
