import { Problem } from '#platform';

export class SearchFindsSomething extends Problem {
  /** @param most how far was counted */
  constructor(found: number, most: number) {
    const count = found > most ? `more than ${most} recordings` : found === 1 ? 'a recording' : `${found} recordings`;
    super(
      409,
      'search-finds-something',
      'The search finds something',
      `There is ${count} of that: no statement that there is none.`,
      {
        found: Math.min(found, most),
        more: found > most,
      },
    );
  }
}
