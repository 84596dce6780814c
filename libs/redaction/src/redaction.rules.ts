/** Where a redaction stands. What follows what is `decideDeed`. */
export const REDACTION_STATES = [
  'draft',
  'rendering',
  'rendered',
  'failed',
  'approved',
  'rejected',
  'released',
  'discarded',
] as const;
export type RedactionState = (typeof REDACTION_STATES)[number];

export interface RedactionFacts {
  readonly state: RedactionState;
  /** Of the newest saved plan; from 1. */
  readonly version: number;
  /** Everybody who saved a version of the plan. */
  readonly authors: readonly string[];
  /** People whose conduct the recording shows. */
  readonly subjects: readonly string[];
}

/** What somebody, or the service, wants to do. `version` is the one they had before them. */
export type RedactionDeed =
  | { readonly kind: 'save'; readonly version: number }
  | { readonly kind: 'render'; readonly version: number }
  | { readonly kind: 'finish'; readonly version: number }
  | { readonly kind: 'fail'; readonly version: number }
  /** Rendering that failed is taken up again. */
  | { readonly kind: 'retry'; readonly version: number }
  | {
      readonly kind: 'review';
      readonly version: number;
      readonly by: string;
      readonly approved: boolean;
      readonly note: string | null;
    }
  | { readonly kind: 'release'; readonly by: string }
  | { readonly kind: 'discard' };

export type DeedRefusal = 'own-redaction' | 'subject-of-request' | 'not-now' | 'stale-version' | 'reason-missing';

export type DeedDecision =
  { readonly allowed: true; readonly to: RedactionState } | { readonly allowed: false; readonly reason: DeedRefusal };

const FROM: Readonly<Record<RedactionDeed['kind'], readonly RedactionState[]>> = {
  // Whoever sees in the result what the plan forgot need not wait for the review to say so.
  save: ['draft', 'rendered', 'failed', 'rejected'],
  render: ['draft'],
  finish: ['rendering'],
  fail: ['rendering'],
  retry: ['failed'],
  review: ['rendered'],
  release: ['approved'],
  discard: ['draft', 'rendering', 'rendered', 'failed', 'approved', 'rejected'],
};

const refuse = (reason: DeedRefusal): DeedDecision => ({ allowed: false, reason });

/** Whether a deed may be done now, and where it leads. Pure and total: what is not named here is refused. */
export function decideDeed(facts: RedactionFacts, deed: RedactionDeed): DeedDecision {
  if (deed.kind === 'review' && facts.authors.includes(deed.by)) return refuse('own-redaction');
  if ('by' in deed && facts.subjects.includes(deed.by)) return refuse('subject-of-request');
  if (!FROM[deed.kind].includes(facts.state)) return refuse('not-now');
  if ('version' in deed && deed.version !== facts.version) return refuse('stale-version');
  if (deed.kind === 'review' && !deed.approved && (deed.note ?? '').trim() === '') return refuse('reason-missing');
  return { allowed: true, to: leadsTo(deed) };
}

function leadsTo(deed: RedactionDeed): RedactionState {
  switch (deed.kind) {
    case 'save':
      return 'draft';
    case 'render':
    case 'retry':
      return 'rendering';
    case 'finish':
      return 'rendered';
    case 'fail':
      return 'failed';
    case 'review':
      return deed.approved ? 'approved' : 'rejected';
    case 'release':
      return 'released';
    case 'discard':
      return 'discarded';
  }
}
