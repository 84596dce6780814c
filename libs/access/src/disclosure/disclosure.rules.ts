export const DISCLOSURE_STATES = [
  'proposed',
  'approved',
  'refused',
  'packaging',
  'ready',
  'failed',
  'revoked',
  'expired',
] as const;
export type DisclosureState = (typeof DISCLOSURE_STATES)[number];

export const RECIPIENT_KINDS = ['prosecutor', 'defence', 'court', 'records-requester', 'oversight'] as const;
export type RecipientKind = (typeof RECIPIENT_KINDS)[number];

export const COPY_FORMS = ['unaltered', 'marked'] as const;
export type CopyForm = (typeof COPY_FORMS)[number];

export const DISCLOSURE_DEEDS = ['approve', 'refuse', 'package', 'finish', 'fail', 'revoke', 'expire'] as const;
export type DisclosureDeed = (typeof DISCLOSURE_DEEDS)[number];

const UNDER_WAY = ['proposed', 'approved', 'packaging', 'ready', 'failed'] as const;

const STEPS: Readonly<Record<DisclosureDeed, { readonly from: readonly DisclosureState[]; readonly to: DisclosureState }>> = {
  approve: { from: ['proposed'], to: 'approved' },
  refuse: { from: ['proposed'], to: 'refused' },
  // A worker that was killed begins again, and so does somebody who has it tried again.
  package: { from: ['approved', 'packaging', 'failed'], to: 'packaging' },
  finish: { from: ['packaging'], to: 'ready' },
  fail: { from: ['approved', 'packaging'], to: 'failed' },
  revoke: { from: UNDER_WAY, to: 'revoked' },
  expire: { from: UNDER_WAY, to: 'expired' },
};

/** Where the deed leads; undefined when it cannot be done now. Pure and total: what is not named here is refused. */
export function step(state: DisclosureState, deed: DisclosureDeed): DisclosureState | undefined {
  const { from, to } = STEPS[deed];
  return from.includes(state) ? to : undefined;
}

/** Whether the recipient may come in now. How often they may fetch is asked when they do. */
export function isLive({ state, until }: { readonly state: DisclosureState; readonly until: Date }, now: Date): boolean {
  return state === 'ready' && until > now;
}

/** What is asked for, as far as the policy looks at it. */
export interface ProposedRelease {
  readonly kind: RecipientKind;
  readonly form: CopyForm;
  readonly overrides: boolean;
}

export interface ReleasedItem {
  readonly sealed: boolean;
  /** False of a redaction that nobody has released. */
  readonly released: boolean;
  /** Of an original: there is a released redaction of it. */
  readonly hasRedaction: boolean;
  /** Milliseconds; null when it is not known. */
  readonly durationMs: number | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export type ReleaseFault =
  'form-not-allowed' | 'not-sealed' | 'not-released' | 'redacted-copy-exists' | 'range-of-unaltered' | 'range-beyond-end';

/** Why one recording may not be released like this; undefined when it may. @param forms what the policy allows, as KIND=FORM */
export function faultOfRelease(
  { kind, form, overrides }: ProposedRelease,
  item: ReleasedItem,
  forms: readonly string[],
): ReleaseFault | undefined {
  if (!forms.includes(`${kind}=${form}`)) return 'form-not-allowed';
  if (!item.sealed) return 'not-sealed';
  if (!item.released) return 'not-released';
  // What was covered for the public is not handed to it uncovered by an oversight.
  if (kind === 'records-requester' && item.hasRedaction && !overrides) return 'redacted-copy-exists';
  if (item.fromMs === null || item.toMs === null) return undefined;
  if (form === 'unaltered') return 'range-of-unaltered';
  return item.fromMs >= (item.durationMs ?? 0) ? 'range-beyond-end' : undefined;
}

export type UntilFault = 'is over already' | 'is more than a year away';
const LONGEST_MS = 366 * 86_400_000;

export function faultOfDisclosureUntil(until: Date, now: Date): UntilFault | undefined {
  if (until <= now) return 'is over already';
  return until.getTime() - now.getTime() > LONGEST_MS ? 'is more than a year away' : undefined;
}
