import { Problem } from '#platform';

export class CaseUnknown extends Problem {
  constructor(id: string) {
    super(422, 'case-unknown', 'Unknown case', `There is no case ${id}.`);
  }
}

export class NothingToAskFor extends Problem {
  constructor(searched: boolean) {
    super(
      422,
      'nothing-to-ask-for',
      'There is nothing to ask for',
      searched
        ? 'The search finds no sealed recording. A statement that it finds none can be made at /api/search-statements.'
        : 'The case holds no sealed recording.',
    );
  }
}

export class TooManyToAskFor extends Problem {
  constructor(most: number) {
    super(
      422,
      'too-many-recordings',
      'Too many recordings',
      `One request may be about ${most} recordings at most. Narrow the search, or ask in several requests.`,
      { most },
    );
  }
}
