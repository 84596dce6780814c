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
export type Purpose = (typeof PURPOSES)[number];

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

const LONGEST_DAYS = 366;

/** What is wrong with asking, or granting, until `until`; undefined when nothing is. `wanted` is what was asked for, when granting. */
export function faultOfUntil(until: Date, now: Date, wanted?: Date): string | undefined {
  if (Number.isNaN(until.getTime())) return 'is not a time';
  if (until <= now) return 'lies in the past';
  if (until.getTime() - now.getTime() > LONGEST_DAYS * 86_400_000) return `is more than ${LONGEST_DAYS} days away`;
  return wanted === undefined || until <= wanted ? undefined : 'is later than what was asked for';
}
