/** What is checked of a log, in the order in which it is told. */
export type LogCheckName = 'checkpoint' | 'tiles' | 'entries' | 'chains';

/** The first thing that is not as it must be: the log is not verified. */
export class LogFault extends Error {
  constructor(
    readonly check: LogCheckName,
    /** Entry or file, as in "entry 17" or "tile/1/000". */
    readonly where: string,
    detail: string,
  ) {
    super(detail);
  }
}
