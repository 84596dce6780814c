import { Problem } from '#platform';

export class RequestDecided extends Problem {
  constructor(state: string) {
    super(409, 'request-decided', 'Already decided', `The request is ${state} already.`, { state });
  }
}

export class RecordingUnknown extends Problem {
  constructor(ids: readonly string[]) {
    super(422, 'recording-unknown', 'Unknown recording', `There is no sealed recording ${ids.join(', ')}.`, { recordings: ids });
  }
}

export class FromFaulty extends Problem {
  constructor(fault: string) {
    super(422, 'from-faulty', 'The beginning is not acceptable', `The time from which access is to be granted ${fault}.`);
  }
}

export class UntilFaulty extends Problem {
  constructor(fault: string) {
    super(422, 'until-faulty', 'The end is not acceptable', `The time until which access is wanted ${fault}.`);
  }
}

export class PurposeDiffers extends Problem {
  constructor(granted: string) {
    super(
      422,
      'purpose-differs',
      'The purpose differs',
      `Access was granted for ${granted}; confirm that purpose or ask for access for another.`,
      { granted },
    );
  }
}

/** The deed does not fit the state that the request is in. */
export class RequestStateForbids extends Problem {
  constructor(deed: string, state: string) {
    super(409, 'request-state-forbids', 'Not in this state', `A request that is ${state} cannot be ${deed}.`, { state });
  }
}

export class NotInRequest extends Problem {
  constructor(recordings: readonly string[]) {
    const named = recordings.slice(0, 10).join(', ');
    super(422, 'not-in-request', 'Not part of the request', `The request is not about ${named}.`, { recordings });
  }
}

export class ItemDecided extends Problem {
  constructor(recordings: readonly string[]) {
    const named = recordings.slice(0, 10).join(', ');
    super(409, 'item-decided', 'Already decided', `It is decided already about ${named}.`, { recordings });
  }
}

export class DelegationFaulty extends Problem {
  constructor(fault: string) {
    super(422, 'delegation-faulty', 'This cannot be delegated', fault);
  }
}
