import type { Refusal } from '#identity';

/** What keeps somebody with a grant out, the nearest miss first: it is what they are told. */
const MISSES: readonly Refusal[] = ['grant-used-up', 'grant-not-begun', 'grant-is-for-less', 'grant-expired', 'grant-revoked'];

export interface Candidate {
  /** Why it does not open the footage; null when it does. */
  readonly miss: Refusal | null;
  readonly purpose: string;
  readonly expiresAt: Date;
}

/**
 * Of somebody's grants the one to open footage under: one that opens it, if possible for the purpose that the viewer confirms, and then the one
 * that lasts longest. When none does, the nearest miss.
 */
export function nearestGrant<T extends Candidate>(grants: readonly T[], purpose?: string): T | null {
  const rank = ({ miss }: T): number => {
    if (miss === null) return -1;
    const place = MISSES.indexOf(miss);
    return place === -1 ? MISSES.length : place;
  };
  const other = (grant: T): number => (purpose === undefined || grant.purpose === purpose ? 0 : 1);
  const ranked = grants.toSorted(
    (a, b) => rank(a) - rank(b) || other(a) - other(b) || b.expiresAt.getTime() - a.expiresAt.getTime(),
  );
  return ranked[0] ?? null;
}
