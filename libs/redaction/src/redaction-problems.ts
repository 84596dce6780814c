import { Problem } from '#platform';
import type { RedactionDeed, RedactionState } from './redaction.rules.js';

export class PlanFaulty extends Problem {
  constructor(faults: readonly string[]) {
    super(422, 'plan-faulty', 'The plan does not fit the recording', faults.join(' '), { faults });
  }
}

/** Somebody else saved meanwhile. */
export class PlanChanged extends Problem {
  constructor(given: number, version: number) {
    super(
      409,
      'plan-changed',
      'The plan has another version',
      `You worked on version ${given} of the plan; the newest is ${version}. Read it, and decide on that one.`,
      { version },
    );
  }
}

const WANTED: Readonly<Record<RedactionDeed['kind'], string>> = {
  save: 'its plan cannot be changed now',
  render: 'it cannot be rendered now; only a draft is',
  finish: 'it is not being rendered',
  fail: 'it is not being rendered',
  retry: 'it did not fail',
  review: 'there is nothing to review; what is rendered is reviewed once',
  release: 'it cannot be released; a second person has to approve it first',
  discard: 'it cannot be given up any more',
};

const STANDS: Readonly<Record<RedactionState, string>> = {
  draft: 'a draft',
  rendering: 'being rendered',
  rendered: 'rendered and waits for its review',
  failed: 'failed; save a new version of its plan',
  approved: 'approved and waits for its release',
  rejected: 'rejected; save a new version of its plan',
  released: 'released',
  discarded: 'given up',
};

export class RedactionNotNow extends Problem {
  constructor(state: RedactionState, deed: RedactionDeed['kind']) {
    super(409, 'redaction-not-now', 'Not now', `The redaction is ${STANDS[state]}: ${WANTED[deed]}.`, { state });
  }
}

export class CopyNotReleased extends Problem {
  constructor() {
    super(
      409,
      'copy-not-released',
      'The copy has not been released',
      'This recording is a redaction that nobody has released yet. Have it reviewed and released first, or save a new version of its plan.',
    );
  }
}

export class RejectionUnexplained extends Problem {
  constructor() {
    super(422, 'rejection-unexplained', 'A rejection says why', 'Say in the note what has to be changed in the plan.');
  }
}
