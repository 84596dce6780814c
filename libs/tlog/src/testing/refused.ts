import type { TlogErrorCode } from '../tlog-error.js';

// A gap in a sentence that was put together shows as two spaces, or as a space before the full stop.
const SENTENCE = /^(?!.*( {2}| \.))\S.*[\p{L}\p{N}"')+/]\.$/su;

/** What a TlogError with this code must be equal to: it says in a whole sentence what was refused. For jest's `toThrow`. */
export function refused(code: TlogErrorCode): Error {
  return expect.objectContaining({ name: 'TlogError', code, message: expect.stringMatching(SENTENCE) as string }) as Error;
}
