import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importSPKI, jwtVerify, type CryptoKey } from 'jose';
import {
  encodeHeader,
  formatProof,
  formatReceipt,
  generateNoteKey,
  leafHash,
  noteVerifier,
  openManifest,
  parseSigner,
  signCheckpoint,
  type ManifestFile,
  type NoteVerifier,
} from '#tlog';

export const PART_SIZE = 64 * 1024;
export const DOCK = '01935e6a-7b2c-7def-8a11-5c3f0e9d4b21';

/** What the network or the server does to one request. `drop` cuts the connection; `drop-after` does so once the work is done. */
export type Fault =
  'drop' | 'drop-after' | { status: number; headers?: Record<string, string>; problem?: Record<string, unknown> };

export interface Received {
  readonly recording: string;
  readonly file: ManifestFile;
  readonly parts: Map<number, Buffer>;
  state: 'receiving' | 'sealing' | 'sealed' | 'quarantined' | 'expired';
  polls: number;
  /** Parts that came once more although they were there already. */
  repeated: number;
}

/** Speaks the docking protocol faithfully, keeps what it is sent in memory, and fails when a test says so. */
export class FaultyDockingServer {
  readonly recordings = new Map<string, Received>();
  readonly requests: { method: string; path: string; at: number }[] = [];
  readonly log = generateNoteKey('log.example/custody');
  /** Asked before each request; `count` is how often this method and path came, from 1. */
  fault: (method: string, path: string, count: number) => Fault | undefined = () => undefined;
  /** Server's clock minus the machine's. */
  clockOffsetMs = 0;
  /** Of parts under way at the same time. */
  mostAtOnce = 0;
  /** Bytes of bodies, as they came, and when: so that a cap can be measured. */
  readonly arrivals: { bytes: number; at: number }[] = [];
  /** Answers a completion with "sealed" instead of reading back for a while. */
  sealsAtOnce = false;
  /** Makes the receipts speak of other bytes. */
  lies = false;
  private holding: ((method: string, path: string) => Promise<void> | undefined) | undefined;
  private partsNow = 0;
  /** By manifest: the recordings that it announced. */
  private readonly manifests = new Map<string, Set<string>>();
  private readonly counts = new Map<string, number>();
  private verifier: NoteVerifier | undefined;
  private jwtKey: CryptoKey | undefined;
  private server: Server | undefined;
  private port = 0;

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** @param publicKey base64 of the raw key, as `enrol` prints it */
  async enrol(publicKey: string): Promise<void> {
    const raw = Buffer.from(publicKey, 'base64');
    this.verifier = noteVerifier(`dock/${DOCK}`, raw);
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]).toString('base64');
    this.jwtKey = await importSPKI(`-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----`, 'EdDSA');
  }

  /** Listens, on the same port as before when it was stopped. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        problem(response, 500, { title: String(error) });
      });
    });
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** As kill -9: nothing under way gets an answer. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }

  /** Lets requests wait for what is answered for them. Resolves when the first one does. */
  hold(until: (method: string, path: string) => Promise<void> | undefined): Promise<void> {
    return new Promise((held) => {
      this.holding = (method, path) => {
        const waiting = until(method, path);
        if (waiting !== undefined) held();
        return waiting;
      };
    });
  }

  /** The recordings of these bytes. */
  of(content: Buffer): Received[] {
    return [...this.recordings.values()].filter(({ file }) => file.sha256 === sha256(content));
  }

  count(method: string, ending: RegExp): number {
    return this.requests.filter((request) => request.method === method && ending.test(request.path)).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request;
    this.requests.push({ method, path, at: performance.now() });
    const count = (this.counts.get(`${method} ${path}`) ?? 0) + 1;
    this.counts.set(`${method} ${path}`, count);
    const fault = this.fault(method, path, count);
    if (fault === 'drop') return void request.socket.destroy();
    if (method === 'PUT') this.mostAtOnce = Math.max(this.mostAtOnce, (this.partsNow += 1));
    await this.holding?.(method, path);
    const body = await this.bodyOf(request).finally(() => (this.partsNow -= method === 'PUT' ? 1 : 0));
    if (typeof fault === 'object') return problem(response, fault.status, fault.problem ?? {}, fault.headers);
    if (!(await this.isAuthentic(request))) {
      return problem(response, 401, { title: 'Not authenticated', serverTime: new Date(this.now()).toISOString() });
    }
    this.route(method, path, request, body, fault === 'drop-after' ? new Mute(response) : response);
  }

  private async bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (request.method === 'PUT') this.arrivals.push({ bytes: chunk.length, at: performance.now() });
    }
    return Buffer.concat(chunks);
  }

  private route(method: string, path: string, request: IncomingMessage, body: Buffer, response: Answerer): void {
    if (method === 'POST' && path === '/api/docking/manifests') return this.announce(body.toString('utf8'), response);
    const [, recording = '', what = '', part = ''] = /^\/api\/docking\/recordings\/([^/]+)\/?([a-z]*)\/?(\d*)$/.exec(path) ?? [];
    const received = this.recordings.get(recording);
    if (received === undefined) return problem(response, 404, { title: 'No such recording' });
    switch (`${method} ${what}`) {
      case 'GET ':
        received.polls += 1;
        if (received.state === 'sealing' && received.polls > 1) received.state = 'sealed';
        return json(response, 200, this.view(received));
      case 'PUT parts':
        return this.takePart(received, Number(part), request, body, response);
      case 'POST complete':
        return this.complete(received, response);
      case 'GET receipt':
        if (received.state !== 'sealed') return problem(response, 409, { title: 'Not sealed yet' });
        return text(response, 200, 'application/json', this.receipt(received));
      default:
        return problem(response, 404, { title: 'No such route' });
    }
  }

  private announce(note: string, response: Answerer): void {
    if (this.verifier === undefined) return problem(response, 401, { title: 'Not enrolled' });
    if (Buffer.byteLength(note) > 2 ** 20) return problem(response, 413, { title: 'The manifest is too large' });
    const manifest = openManifest(note, this.verifier);
    const known = this.manifests.get(manifest.id);
    const announced = known ?? new Set<string>();
    this.manifests.set(manifest.id, announced);
    const files = manifest.files.map((file) => {
      const same = [...this.recordings.values()].filter((each) => each.file.sha256 === file.sha256 && each.state !== 'expired');
      const own = same.find(({ recording }) => announced.has(recording));
      const held = same.find(({ state }) => state !== 'quarantined');
      if (own === undefined && held?.state === 'sealed') return { held };
      const taken = own ?? held ?? this.register(file);
      announced.add(taken.recording);
      return { taken };
    });
    const duplicates = files.flatMap(({ held }) => held ?? []);
    if (duplicates.length < files.length) {
      const duplicate = { state: 'duplicate', heldAs: 'sealed', yours: true };
      const views = files.map(({ taken, held }) =>
        held === undefined ? this.view(taken) : { ...this.view(held), ...duplicate, duplicateOf: held.recording },
      );
      return json(response, known === undefined ? 201 : 200, { manifest: manifest.id, files: views });
    }
    return problem(response, 409, {
      ...{ type: 'urn:custodiet:duplicate-recording', title: 'Held already' },
      recordings: duplicates.map(({ recording }) => recording),
      states: duplicates.map(({ state }) => state),
      yours: duplicates.map(() => true),
    });
  }

  private register(file: ManifestFile): Received {
    const recording = randomUUID();
    const received: Received = { recording, file, parts: new Map(), state: 'receiving', polls: 0, repeated: 0 };
    this.recordings.set(recording, received);
    return received;
  }

  private takePart(received: Received, part: number, request: IncomingMessage, body: Buffer, response: Answerer): void {
    const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
    if (request.headers['content-digest'] !== digest) return problem(response, 422, { title: 'Digest mismatch' });
    if (received.state !== 'receiving') {
      return problem(response, 409, { type: 'urn:custodiet:not-receiving', title: 'The upload is over', state: received.state });
    }
    if (received.parts.has(part)) received.repeated += 1;
    received.parts.set(part, body);
    return text(response, 204, undefined, '');
  }

  private complete(received: Received, response: Answerer): void {
    const whole = contentOf(received);
    if (whole.length < received.file.size) return problem(response, 409, { title: 'Parts are missing' });
    if (received.state === 'receiving') received.state = sha256(whole) === received.file.sha256 ? this.sealed : 'quarantined';
    return json(response, 202, this.view(received));
  }

  private get sealed(): 'sealing' | 'sealed' {
    return this.sealsAtOnce ? 'sealed' : 'sealing';
  }

  private view(received: Received): Record<string, unknown> {
    const { recording, file, state, parts } = received;
    const { name, sha256: digest, size } = file;
    const reason = state === 'quarantined' ? { reason: 'the bytes are not those of the manifest' } : {};
    return { recording, name, sha256: digest, size, state, partSize: PART_SIZE, partsReceived: [...parts.keys()], ...reason };
  }

  private receipt({ recording, file }: Received): string {
    const digest = this.lies ? sha256(Buffer.from('something else')) : file.sha256;
    const signer = parseSigner(this.log.skey);
    const at = new Date(this.now()).toISOString();
    const chain = { subject: recording, seq: 0, prev: null, type: 'recording.sealed', at, actor: null, sha256: digest };
    const header = encodeHeader({ v: 1, log: signer.name, id: randomUUID(), ...chain, pc: Buffer.alloc(32).toString('base64') });
    const checkpoint = signCheckpoint({ origin: signer.name, size: 1n, root: leafHash(header) }, signer);
    const proof = formatProof({ index: 0n, hashes: [], checkpoint });
    const headerText = Buffer.from(header).toString('utf8');
    return formatReceipt({ format: 'custodiet/receipt/v1', recording, sha256: digest, header: headerText, proof });
  }

  private async isAuthentic(request: IncomingMessage): Promise<boolean> {
    if (this.jwtKey === undefined) return false;
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    const currentDate = new Date(this.now());
    try {
      const audience = parseSigner(this.log.skey).name;
      const checks = { issuer: DOCK, audience, clockTolerance: 300, currentDate, algorithms: ['EdDSA'], maxTokenAge: 120 };
      const { protectedHeader, payload } = await jwtVerify(token, this.jwtKey, checks);
      return protectedHeader.kid === DOCK && payload.jti !== undefined;
    } catch {
      return false;
    }
  }

  private now(): number {
    return Date.now() + this.clockOffsetMs;
  }
}

type Answerer = Pick<ServerResponse, 'writeHead' | 'end'>;

/** Loses the answer, and the connection with it. */
class Mute {
  constructor(private readonly response: ServerResponse) {}
  writeHead(): ServerResponse {
    return this.response;
  }
  end(): ServerResponse {
    this.response.socket?.destroy();
    return this.response;
  }
}

export function contentOf({ parts }: Received): Buffer {
  return Buffer.concat([...parts.entries()].sort(([a], [b]) => a - b).map(([, body]) => body));
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function json(response: Answerer, status: number, value: unknown): void {
  text(response, status, 'application/json', JSON.stringify(value));
}

function problem(
  response: Answerer,
  status: number,
  members: Record<string, unknown>,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify({ type: 'about:blank', title: `Fault ${String(status)}`, status, ...members });
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(body);
}

function text(response: Answerer, status: number, type: string | undefined, body: string): void {
  response.writeHead(status, type === undefined ? {} : { 'content-type': type });
  response.end(body);
}
