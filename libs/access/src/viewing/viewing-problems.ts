import { Problem } from '#platform';
import { TOLERANCE_MS } from './viewing-reports.rules.js';

export class ViewingNotReady extends Problem {
  constructor() {
    super(
      409,
      'viewing-not-ready',
      'The viewing is not on record yet',
      'Nothing is shown before the entry of the viewing has its place in the custody log. Open it again and wait for the answer.',
    );
  }
}

export class ReportDiffers extends Problem {
  constructor(seq: number) {
    super(
      409,
      'report-differs',
      'Another report has this number',
      `A different report ${seq} of this viewing was received before. Numbers are used once.`,
      { seq },
    );
  }
}

export class ReportedNotDelivered extends Problem {
  constructor() {
    super(
      422,
      'reported-not-delivered',
      'That was never sent',
      `The report says that something was played which was not sent in this viewing (allowing for ${TOLERANCE_MS} ms). It is refused, and that is on record.`,
    );
  }
}

export class TooManyReports extends Problem {
  constructor(perMinute: number, retryAfterSeconds: number) {
    super(
      429,
      'too-many-reports',
      'Too many reports',
      `At most ${perMinute} reports a minute are taken for a viewing. Put what happened into one, and send it later.`,
      { retryAfter: retryAfterSeconds },
    );
  }
}

/** RFC 9110 §15.5.17 */
export class BeyondTheEnd extends Problem {
  constructor(readonly size: number) {
    super(
      416,
      'beyond-the-end',
      'There are no such bytes',
      `The range lies beyond the end of the file, which has ${size} bytes.`,
      {
        size,
      },
    );
  }
}

/** The router asks GET's handler for it, and what nobody gets would be on record as sent. RFC 9110 §15.5.6 */
export class HeadNotAnswered extends Problem {
  constructor() {
    super(405, 'method-not-allowed', 'Only GET is answered here', 'Footage is sent on GET only: whatever is sent is on record.');
  }
}
