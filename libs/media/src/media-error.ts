/**
 * What went wrong, as a word a caller can act on:
 *
 * - `unreadable`: no container we accept could be read from the bytes (also an empty file)
 * - `no-video`: a readable container without a moving picture
 * - `truncated`: a readable container whose packets stop before the end it promises
 * - `time-limit`: the tool was killed because it took longer than `MediaTools.timeLimitSeconds`
 * - `over-limit`: the file asks for more than is allowed: memory, size of what is written, or what its header claims
 * - `not-isolated`: the sandbox is required and cannot be had; nothing was started
 * - `aborted`: the caller's AbortSignal fired; the tool has already exited when this is thrown
 * - `invalid-plan`: a redaction plan with faults, all named in the message
 * - `failed`: anything else the tool could not do
 */
export type MediaErrorCode =
  'unreadable' | 'no-video' | 'truncated' | 'time-limit' | 'over-limit' | 'not-isolated' | 'aborted' | 'failed' | 'invalid-plan';

/** `message` is a sentence without local paths and may be shown to a person; `cause`, where present, is the tool's own words for the log. */
export class MediaError extends Error {
  readonly code: MediaErrorCode;

  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MediaError';
    this.code = code;
  }
}
