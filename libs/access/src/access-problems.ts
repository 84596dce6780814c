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
