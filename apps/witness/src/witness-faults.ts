/** The command was called wrongly, or what it needs is not as it must be: nothing was started or made. Exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** The state file is not what this process wrote last: somebody else writes it, or a write failed halfway. */
export class StateChanged extends Error {
  override readonly name = 'StateChanged';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed call ("EEXIST"), where there is one. */
export function systemCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
