import { retryAfterMs } from './retry.rules.js';

/** RFC 9457, as far as this page looks at it. */
interface ProblemDocument {
  readonly type?: string;
  readonly detail?: string;
  readonly reason?: unknown;
}

/** The service answered, and the answer is no. Its message is the service's own sentence. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** The last part of `urn:custodiet:…`. */
    readonly code: string,
    detail: string,
    /** What Retry-After asks for, in milliseconds; 0 when it asks for nothing. */
    readonly retryAfterMs: number,
    /** Of what is not allowed: by which rule. */
    readonly reason?: string,
  ) {
    super(detail);
    this.name = 'Refused';
  }
}

/** No answer came: the network, or the service, is not there now. */
export class Unreachable extends Error {
  constructor() {
    super('The service cannot be reached.');
    this.name = 'Unreachable';
  }
}

/**
 * Calls the service that this page came from, with the session's cookie.
 * @throws Refused, Unreachable, or an AbortError when `signal` was aborted
 */
export async function call(
  method: string,
  path: string,
  {
    json,
    signal,
    keepalive = false,
  }: {
    readonly json?: unknown;
    readonly signal?: AbortSignal;
    /** Goes on when the page goes away; of 64 KiB at most. Fetch standard §4.6 */
    readonly keepalive?: boolean;
  } = {},
): Promise<Response> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    keepalive,
    ...(json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // fetch tells of a network fault by a TypeError and says no more. Fetch standard §5.6
    throw error instanceof TypeError ? new Unreachable() : error;
  });
  if (response.ok) return response;
  throw refusal(response.status, await response.text().catch(() => ''), response.headers.get('retry-after'));
}

/** The refusal that an answer tells of, whoever in between may have written it. */
export function refusal(status: number, body: string, retryAfter: string | null): Refused {
  const problem = problemIn(body);
  return new Refused(
    status,
    (problem.type ?? '').replace(/^urn:custodiet:/, ''),
    problem.detail ?? `The service answered ${status} without an explanation.`,
    retryAfterMs(retryAfter, Date.now()),
    typeof problem.reason === 'string' ? problem.reason : undefined,
  );
}

function problemIn(body: string): ProblemDocument {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The sentence to show for whatever was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Refused || error instanceof Unreachable) return error.message;
  if (error instanceof DOMException && error.name === 'NotReadableError')
    return 'The file can no longer be read: it was changed, moved or deleted after it was chosen. Choose it again.';
  return `This page failed: ${error instanceof Error ? error.message : String(error)}`;
}
