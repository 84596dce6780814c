export const PURPOSES = [
  'internal-investigation',
  'prosecution',
  'defence',
  'supervision',
  'training',
  'public-records',
  'oversight',
  'own-report',
] as const;
/** One of the agency's list, which the access policy holds; `PURPOSES` are those of the built-in one. */
export type Purpose = string;

export const SENSITIVITIES = ['normal', 'high'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

export const REQUEST_STATES = [
  'draft',
  'submitted',
  'in-review',
  'granted',
  'partly-granted',
  'denied',
  'withdrawn',
  'expired',
  'revoked',
  'closed',
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** What is done to a request. `revoke`: the last of its grants was taken back. */
export type Deed = 'change' | 'submit' | 'decide' | 'withdraw' | 'expire' | 'revoke' | 'close';
export const DEEDS: readonly Deed[] = ['change', 'submit', 'decide', 'withdraw', 'expire', 'revoke', 'close'];

const UNDECIDED = {
  decide: ['in-review', 'granted', 'partly-granted', 'denied'],
  withdraw: ['withdrawn'],
  expire: ['expired'],
} as const;
const DECIDED = { expire: ['expired'], revoke: ['revoked'], close: ['closed'] } as const;

/** The whole machine: what may be done in each state, and the states it can lead to. A state without deeds is final. */
export const MACHINE: Readonly<Record<RequestState, Readonly<Partial<Record<Deed, readonly RequestState[]>>>>> = {
  draft: { change: ['draft'], submit: ['submitted'], withdraw: ['withdrawn'] },
  submitted: UNDECIDED,
  // The last grant of what was granted so far may be taken back while the rest is undecided: that ends nothing.
  'in-review': { ...UNDECIDED, decide: [...UNDECIDED.decide, 'revoked'] },
  granted: DECIDED,
  'partly-granted': DECIDED,
  denied: {},
  withdrawn: {},
  expired: {},
  revoked: {},
  closed: {},
};

export function mayBe(state: RequestState, deed: Deed): boolean {
  return MACHINE[state][deed] !== undefined;
}

/** States in which somebody still has to decide. */
export const AWAITING = REQUEST_STATES.filter((state) => mayBe(state, 'decide'));
/** States that end by themselves when the time is over. */
export const RUNNING = REQUEST_STATES.filter((state) => mayBe(state, 'expire'));

/**
 * What a request is after somebody decided on some of its items.
 * @param liveGrants whether any of its grants has not been taken back
 */
export function settle(
  items: readonly ('open' | 'granted' | 'denied')[],
  liveGrants: boolean,
): Extract<RequestState, 'in-review' | 'granted' | 'partly-granted' | 'denied' | 'revoked'> {
  if (items.includes('open')) return 'in-review';
  if (!items.includes('granted')) return 'denied';
  if (!liveGrants) return 'revoked';
  return items.includes('denied') ? 'partly-granted' : 'granted';
}

/** When those who have not decided yet are told: once when half of the time is over, once when all of it is. */
export function reminderDue(
  request: { readonly submittedAt: Date | null; readonly dueAt: Date | null; readonly remindedAt: Date | null },
  now: Date,
): 'half' | 'overdue' | undefined {
  const { submittedAt, dueAt, remindedAt } = request;
  if (submittedAt === null || dueAt === null) return undefined;
  if (now >= dueAt) return remindedAt === null || remindedAt < dueAt ? 'overdue' : undefined;
  const half = (submittedAt.getTime() + dueAt.getTime()) / 2;
  return remindedAt === null && now.getTime() >= half ? 'half' : undefined;
}

const LONGEST_DAYS = 366;

/** What is wrong with granting from `from`; undefined when nothing is. */
export function faultOfFrom(from: Date, until: Date): string | undefined {
  if (Number.isNaN(from.getTime())) return 'is not a time';
  return from < until ? undefined : 'is not before the end';
}

/** What is wrong with asking, or granting, until `until`; undefined when nothing is. `wanted` is what was asked for, when granting. */
export function faultOfUntil(until: Date, now: Date, wanted?: Date): string | undefined {
  if (Number.isNaN(until.getTime())) return 'is not a time';
  if (until <= now) return 'lies in the past';
  if (until.getTime() - now.getTime() > LONGEST_DAYS * 86_400_000) return `is more than ${LONGEST_DAYS} days away`;
  return wanted === undefined || until <= wanted ? undefined : 'is later than what was asked for';
}
