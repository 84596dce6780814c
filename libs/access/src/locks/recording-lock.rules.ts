/** A lock as far as lifting it goes. */
export interface LockStanding {
  readonly statementAt: Date | null;
  readonly liftedAt: Date | null;
}

/** Why a lock is not lifted now; undefined when it may be. `override` is internal affairs taking it upon themselves, with a reason. */
export function whyNotLifted({ statementAt, liftedAt }: LockStanding, override: boolean): 'lifted' | 'no-statement' | undefined {
  if (liftedAt !== null) return 'lifted';
  return statementAt === null && !override ? 'no-statement' : undefined;
}

/** Why no statement is noted now; undefined when one may be. What was noted stays as it is. */
export function whyNotStated({ statementAt, liftedAt }: LockStanding): 'lifted' | 'stated' | undefined {
  if (liftedAt !== null) return 'lifted';
  return statementAt === null ? undefined : 'stated';
}
