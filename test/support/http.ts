/** RFC 9457, with its extension members. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly [member: string]: unknown;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Says which request was answered how, in the server's own words. */
export class UnexpectedAnswer extends Error {}

export class Answer<T> {
  constructor(
    readonly request: string,
    readonly status: number,
    readonly headers: Headers,
    readonly bytes: Buffer,
  ) {}

  get text(): string {
    return this.bytes.toString('utf8');
  }

  get contentType(): string {
    return (this.headers.get('content-type') ?? '').split(';')[0] ?? '';
  }

  /** The JSON that was sent. @throws UnexpectedAnswer when it is none */
  get body(): T {
    try {
      return JSON.parse(this.text) as T;
    } catch {
      throw new UnexpectedAnswer(`${this.request}: expected JSON, got ${this.status} ${this.contentType || 'without content'}`);
    }
  }

  /** @throws UnexpectedAnswer unless a problem document was sent */
  problem(): ProblemDocument {
    if (this.contentType !== 'application/problem+json') {
      throw new UnexpectedAnswer(`${this.request}: expected a problem document, got ${this.summary()}`);
    }
    return JSON.parse(this.text) as ProblemDocument;
  }

  /** @throws UnexpectedAnswer unless the status is one of those */
  expect(...statuses: number[]): this {
    if (statuses.includes(this.status)) return this;
    throw new UnexpectedAnswer(`${this.request}: expected ${statuses.join(' or ')}, got ${this.summary()}`);
  }

  private summary(): string {
    if (this.contentType !== 'application/problem+json') return `${this.status} ${this.contentType}`.trim();
    const { title, detail } = JSON.parse(this.text) as ProblemDocument;
    return `${this.status} ${title}: ${detail}`;
  }
}

export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, under the content type named in `headers`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

/** One caller of the service: keeps the session cookie, or proves itself with a header of its own. */
export class HttpClient {
  private cookie: string | undefined;

  constructor(
    /** Without a slash at its end. */
    readonly url: string,
    private readonly authorization?: () => Promise<string> | string,
  ) {}

  async get<T = unknown>(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
    return this.send<T>('GET', path, { headers });
  }

  async post<T = unknown>(path: string, json?: unknown): Promise<Answer<T>> {
    return this.send<T>('POST', path, json === undefined ? {} : { json });
  }

  async put<T = unknown>(path: string, json?: unknown): Promise<Answer<T>> {
    return this.send<T>('PUT', path, json === undefined ? {} : { json });
  }

  async delete<T = unknown>(path: string): Promise<Answer<T>> {
    return this.send<T>('DELETE', path);
  }

  /** Any request; faults of the network are thrown, every answer is returned. */
  async send<T = unknown>(method: string, path: string, { headers = {}, raw, json }: Sending = {}): Promise<Answer<T>> {
    const all = await this.identified(headers);
    if (json !== undefined) all.set('content-type', 'application/json');
    const body = json === undefined ? raw : JSON.stringify(json);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: all,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    this.keepCookie(response);
    return new Answer<T>(`${method} ${path}`, response.status, response.headers, Buffer.from(await response.arrayBuffer()));
  }

  /** An answer that goes on, with its body unread. */
  async open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers: await this.identified(headers), signal });
  }

  private async identified(headers: Readonly<Record<string, string>>): Promise<Headers> {
    const all = new Headers(headers);
    if (this.cookie !== undefined && !all.has('cookie')) all.set('cookie', this.cookie);
    if (this.authorization !== undefined && !all.has('authorization')) all.set('authorization', await this.authorization());
    return all;
  }

  private keepCookie(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name, value] = pair.split('=');
      if (name === 'custodiet_session' || name === 'custodiet_recipient') this.cookie = value === '' ? undefined : pair;
    }
  }
}

/** @throws UnexpectedAnswer when the service does not let them in */
export async function signIn(url: string, { username, password }: Credentials): Promise<HttpClient> {
  const client = new HttpClient(url);
  (await client.post('/api/session', { username, password })).expect(200);
  return client;
}
