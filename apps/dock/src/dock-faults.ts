import { types } from 'node:util';

/** The command was called wrongly or is not set up: nothing was sent. Exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** Another process works on this dock's journal: nothing was sent. Exit code 75, because that one may end. */
export class JournalTaken extends Error {
  override readonly name = 'JournalTaken';
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

/** The file is not what it was when it was described: what is there now is another file. */
export class FileChanged extends FileFault {}

/** The file cannot be read for now: such as that of a camera that was pulled out. */
export class FileGone extends FileFault {}

/** The server gave the upload up because nothing came for too long. Announcing it anew begins another. */
export class UploadExpired extends Error {
  override readonly name = 'UploadExpired';
}

export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

/** The system's code of a failed call ("EEXIST"), where there is one. */
export function systemCode(error: unknown): string | undefined {
  return isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Also those of the system's own calls where a program runs in a context of its own, such as under test. */
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}
