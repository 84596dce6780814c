import { Script } from 'node:vm';

/** No number needs longer than this to be compared with a pattern that was meant well. */
const LONGEST_MS = 100;
const test = new Script('pattern.test(number)');

/**
 * Whether a number is as the agency writes them. A pattern may take for ever on what somebody sends: then the number is refused, and nobody else
 * waits for it.
 */
export function fitsCaseNumber(number: string, pattern: string): boolean {
  try {
    return test.runInNewContext({ pattern: new RegExp(pattern, 'u'), number }, { timeout: LONGEST_MS }) === true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  }
}
