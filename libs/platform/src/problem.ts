/** An error a person can act on; becomes an RFC 9457 problem document. `members` are its extension members. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    /** The last part of `urn:custodiet:…`, stable across versions. */
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = new.target.name;
  }
}

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export class InvalidRequest extends Problem {
  constructor(errors: readonly FieldError[]) {
    super(400, 'invalid-request', 'The request is not valid', errors.map((e) => `${e.path}: ${e.message}`).join('; '), {
      errors,
    });
  }
}

export class NotFound extends Problem {
  constructor(what: string) {
    super(404, 'not-found', 'Not found', `There is no such ${what}.`);
  }
}

export class Unavailable extends Problem {
  constructor(detail: string, retryAfterSeconds: number) {
    super(503, 'unavailable', 'Try again shortly', detail, { retryAfter: retryAfterSeconds });
  }
}

/** Something that the service depends on does not answer. Whoever asked is told to come back (503); what happened is for the log. */
export class Outage extends Error {}
