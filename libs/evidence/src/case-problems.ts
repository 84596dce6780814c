import { Problem } from '#platform';

export class CaseNumberTaken extends Problem {
  constructor(number: string) {
    super(409, 'case-number-taken', 'The number is taken', `There is a case ${number} already.`, { number });
  }
}

export class CaseNumberFaulty extends Problem {
  constructor(number: string, pattern: string) {
    super(
      422,
      'case-number-faulty',
      'The case number has another form',
      `${number} is not a case number as this agency writes them: ${pattern}`,
      { pattern },
    );
  }
}

export class CaseStateDiffers extends Problem {
  constructor(number: string, state: 'open' | 'closed') {
    super(
      409,
      'case-state',
      `The case is ${state}`,
      state === 'closed'
        ? `The case ${number} is closed. Reopen it before anything about it is changed.`
        : `The case ${number} is open already.`,
      { state },
    );
  }
}

/** Of what is put into a case: there is no such recording, or nothing of it is held. */
export class CaseRecordingsUnknown extends Problem {
  constructor(ids: readonly string[]) {
    super(
      422,
      'recording-unknown',
      'Unknown recording',
      `A case holds sealed and quarantined recordings. None such is ${ids.slice(0, 10).join(', ')}${
        ids.length > 10 ? ` (and ${ids.length - 10} more)` : ''
      }.`,
      { recordings: ids.slice(0, 100) },
    );
  }
}
