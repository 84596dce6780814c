/** The command was called wrongly or is not set up: nothing was sent. Exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** The server gave no usable answer for as long as patience lasted. Exit code 75: the same command may be run again later. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
}

/** A problem document as the server sent it. RFC 9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly [member: string]: unknown;
}

/** The server understood and said no: sending the same again changes nothing. Exit code 1. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(readonly problem: Problem) {
    super(problem.detail === undefined ? problem.title : `${problem.title}: ${problem.detail}`);
  }
}

/** This file cannot be brought to an end, for a reason found here and not by the server. Exit code 1. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed call ("EEXIST"), where there is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
