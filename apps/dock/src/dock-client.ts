import { createHash, randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { isPassing, retryAfterMs, waitMs } from './backoff.rules.js';
import { messageOf, Refused, ServerUnreachable, systemCode, type Problem } from './dock-faults.js';
import { exchange, type Answer, type Outgoing, type Pace } from './http-exchange.js';

const STATES = ['receiving', 'sealing', 'sealed', 'quarantined', 'duplicate', 'expired'] as const;

/** One file as the server sees it. */
export interface RemoteFile {
  readonly recording: string;
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  readonly state: (typeof STATES)[number];
  /** Bytes of every part but the last. */
  readonly partSize: number;
  /** Part numbers, from 1. */
  readonly partsReceived: readonly number[];
  readonly duplicateOf?: string;
  /** State of the recording that holds the same bytes; a server that does not say it means one that is sealed. */
  readonly heldAs?: string;
  /** That recording is one that this dock brought in itself. */
  readonly yours?: true;
  /** Why it is quarantined. */
  readonly reason?: string;
}

export interface ClientOptions {
  readonly server: string;
  readonly dock: string;
  readonly key: KeyObject;
  /** The log's origin: tokens are for it and no other service. */
  readonly audience: string;
  /** How long one call goes on trying, counted from its first failure. */
  readonly patienceMs: number;
  readonly onTrouble: (sentence: string) => void;
  /** A cap on what is sent. */
  readonly pace?: Pace;
  /** Ends every call and every wait. */
  readonly signal?: AbortSignal;
}

/**
 * The docking protocol. Every call is repeated through network faults, 408, 429 and 5xx while patience lasts; all of them are idempotent.
 * Every method throws Refused for any other 4xx and ServerUnreachable when patience ran out.
 */
export class DockClient {
  /** Server's clock minus ours. A dock without a network clock may be far off; its tokens must not be. */
  private clockOffsetMs = 0;

  constructor(private readonly options: ClientOptions) {}

  async announce(manifest: string): Promise<readonly RemoteFile[]> {
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    const answer = await this.send({ method: 'POST', path: '/api/docking/manifests', headers, body: Buffer.from(manifest) });
    const { files } = objectOf(answer);
    if (!Array.isArray(files)) throw notOurs('the answer to a manifest lists no files');
    return files.map((file: unknown) => remoteFile(file));
  }

  async state(recording: string, signal?: AbortSignal): Promise<RemoteFile> {
    return remoteFile(objectOf(await this.send({ method: 'GET', path: recordingPath(recording) }, signal)));
  }

  /** @param part from 1 */
  async putPart(recording: string, part: number, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const digest = createHash('sha256').update(body).digest('base64');
    const headers = { 'content-type': 'application/octet-stream', 'content-digest': `sha-256=:${digest}:` };
    await this.send({ method: 'PUT', path: `${recordingPath(recording)}/parts/${String(part)}`, headers, body }, signal);
  }

  async complete(recording: string): Promise<RemoteFile> {
    return remoteFile(objectOf(await this.send({ method: 'POST', path: `${recordingPath(recording)}/complete` })));
  }

  /** The receipt's exact text. Refused with status 409 while there is none yet. */
  async receipt(recording: string): Promise<string> {
    return (await this.send({ method: 'GET', path: `${recordingPath(recording)}/receipt` })).body.toString('utf8');
  }

  private async send(call: Call, stop?: AbortSignal): Promise<Answer> {
    const signals = [stop, this.options.signal].filter((each) => each !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    let deadline: number | undefined;
    for (let failures = 1; ; failures += 1) {
      const { answer, trouble } = await this.attempt(call, signal);
      if (answer !== undefined && answer.status >= 200 && answer.status < 300) return answer;
      if (answer !== undefined && !isPassing(answer.status)) throw new Refused(problemOf(answer));
      const now = performance.now();
      deadline ??= now + this.options.patienceMs;
      const wait = waitMs(failures, Math.random(), retryAfterMs(answer?.headers['retry-after'], Date.now()));
      if (now + wait > deadline) throw new ServerUnreachable(`${this.options.server} did not take it: ${trouble}`);
      this.options.onTrouble(`${trouble}; trying again in ${(wait / 1000).toFixed(1)} s`);
      await delay(wait, undefined, signal === undefined ? {} : { signal });
    }
  }

  private async attempt(call: Call, signal?: AbortSignal): Promise<{ answer?: Answer; trouble: string }> {
    try {
      let answer = await this.exchange(call, signal);
      if (answer.status === 401 && this.learnClock(problemOf(answer))) answer = await this.exchange(call, signal);
      return { answer, trouble: `the server answered ${String(answer.status)}` };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return { trouble: systemCode(error) ?? messageOf(error) };
    }
  }

  private async exchange({ method, path, headers, body }: Call, signal?: AbortSignal): Promise<Answer> {
    const out: Outgoing = {
      method,
      url: `${this.options.server}${path}`,
      headers: { ...headers, accept: 'application/json', authorization: `Bearer ${await this.token()}` },
      ...(body === undefined ? {} : { body }),
      ...(this.options.pace === undefined ? {} : { pace: this.options.pace }),
    };
    return exchange(out, signal);
  }

  /** True when the server named a time that differs enough from ours to explain its 401. */
  private learnClock(problem: Problem): boolean {
    const serverTime = typeof problem['serverTime'] === 'string' ? Date.parse(problem['serverTime']) : Number.NaN;
    if (Number.isNaN(serverTime)) return false;
    const offset = serverTime - Date.now();
    if (Math.abs(offset - this.clockOffsetMs) < 1000) return false;
    this.clockOffsetMs = offset;
    return true;
  }

  private async token(): Promise<string> {
    const { dock, audience, key } = this.options;
    const now = Math.floor((Date.now() + this.clockOffsetMs) / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', kid: dock })
      .setIssuer(dock)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + 120)
      .setJti(randomUUID())
      .sign(key);
  }
}

interface Call {
  readonly method: Outgoing['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

function recordingPath(recording: string): string {
  return `/api/docking/recordings/${recording}`;
}

function problemOf(answer: Answer): Problem {
  const title = `The server answered ${String(answer.status)}`;
  const fallback = { type: 'about:blank', title, status: answer.status };
  try {
    const value: unknown = JSON.parse(answer.body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fallback;
    const { type, title: said, detail, ...rest } = value as Record<string, unknown>;
    return {
      ...rest,
      status: answer.status,
      type: typeof type === 'string' ? type : 'about:blank',
      title: typeof said === 'string' ? said : title,
      ...(typeof detail === 'string' ? { detail } : {}),
    };
  } catch {
    // A proxy's page instead of a problem document: its status is all that can be said
    return fallback;
  }
}

function objectOf(answer: Answer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(answer.body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Falls through to the same refusal
  }
  throw notOurs('an answer is not a JSON object');
}

function remoteFile(value: unknown): RemoteFile {
  const { recording, name, sha256, size, state, partSize, partsReceived, duplicateOf, heldAs, yours, reason } = Object(
    value,
  ) as Record<string, unknown>;
  const known = STATES.find((each) => each === state);
  if (typeof recording !== 'string' || !/^[0-9a-f-]{36}$/.test(recording)) throw notOurs('a recording has no UUID');
  if (known === undefined) throw notOurs(`recording ${recording} is in an unknown state`);
  if (known === 'receiving' && !(Number.isSafeInteger(partSize) && Number(partSize) > 0)) {
    throw notOurs(`recording ${recording} has no part size`);
  }
  return {
    recording,
    name: String(name),
    sha256: String(sha256),
    size: Number(size),
    state: known,
    partSize: Number(partSize),
    partsReceived: Array.isArray(partsReceived) ? partsReceived.filter((part): part is number => typeof part === 'number') : [],
    ...(typeof duplicateOf === 'string' ? { duplicateOf } : {}),
    ...(typeof heldAs === 'string' ? { heldAs } : {}),
    ...(yours === true ? { yours } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

function notOurs(what: string): Refused {
  return new Refused({ type: 'about:blank', title: 'The server does not speak the docking protocol', status: 0, detail: what });
}
