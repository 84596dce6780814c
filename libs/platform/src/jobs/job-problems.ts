import { Problem } from '../problem.js';
import type { JobName } from './job-catalogue.js';
import type { JobState } from './job-state.rules.js';

const WHY_NOT: Readonly<Partial<Record<JobName, string>>> = {
  seal: 'A recording that has arrived is always sealed or quarantined: sealing cannot be cancelled.',
  fixity: 'A stored recording that is due is always hashed again: the check cannot be cancelled.',
};

export class JobNotCancellable extends Problem {
  constructor(job: JobName) {
    super(
      409,
      'job-not-cancellable',
      'It cannot be cancelled',
      WHY_NOT[job] ?? 'The service does this of itself: it cannot be cancelled.',
    );
  }
}

export class JobOver extends Problem {
  constructor(state: JobState) {
    const detail = `It is ${state}; only a job that waits or runs can be cancelled.`;
    super(409, 'job-over', 'There is nothing left to cancel', detail, { state });
  }
}

export class JobNotOver extends Problem {
  constructor(state: JobState) {
    const detail = `It is ${state}; only a job that was parked or cancelled is tried again.`;
    super(409, 'job-not-over', 'There is nothing to try again', detail, { state });
  }
}

export class JobStillEnding extends Problem {
  constructor() {
    super(409, 'job-still-ending', 'It is being ended', 'The worker is just ending it. Ask again in a few seconds.', {
      state: 'cancelled' satisfies JobState,
    });
  }
}
