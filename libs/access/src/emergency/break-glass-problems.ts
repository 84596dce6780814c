import { Problem } from '#platform';

export class PurposeNotForEmergencies extends Problem {
  constructor(purposes: readonly string[]) {
    super(
      422,
      'purpose-not-for-emergencies',
      'Not for this purpose',
      `In an emergency the policy gives access for ${purposes.join(', ')} only. For another purpose, ask for access.`,
      { purposes },
    );
  }
}

export class NobodyToReview extends Problem {
  constructor() {
    super(
      409,
      'nobody-to-review',
      'Nobody could review it',
      'Everybody who would have to review this access is whoever takes it, or is shown in the recordings. Ask for access instead.',
    );
  }
}

export class ReviewedAlready extends Problem {
  constructor(justified: boolean) {
    super(
      409,
      'reviewed-already',
      'Reviewed already',
      `This access has been found ${justified ? '' : 'not '}justified already.`,
      {
        justified,
      },
    );
  }
}
