import { Problem } from '#platform';

/** What the database says about the log does not agree with itself or with what was signed. Nothing is handed out. DESIGN.md §5 */
export class LogInconsistent extends Problem {
  constructor(
    readonly check: string,
    readonly fault: string,
  ) {
    super(
      500,
      'log-inconsistent',
      'The custody log does not agree with itself',
      `Nothing was handed out: the check "${check}" failed. ${fault} Tell the administrator; "custodiet-verify fsck" examines the whole log.`,
      { check },
    );
  }
}
