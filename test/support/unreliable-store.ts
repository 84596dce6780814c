import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Hold } from './hold.js';

export type StoreCall =
  'CreateMultipartUpload' | 'UploadPart' | 'CompleteMultipartUpload' | 'PutObjectRetention' | 'PutObject' | 'GetObject' | 'other';

/** `midway`: when half of the call's body has passed, which for a GetObject is the answer's. `after`: the store has done it and said so. */
export type Moment = 'before' | 'midway' | 'after';

type Fault =
  | { readonly kind: 'hold'; readonly at: Moment; readonly hold: Hold }
  | { readonly kind: 'reset'; readonly at: Moment }
  | { readonly kind: 'answer'; readonly at: Moment; readonly status: number; readonly code: string };

interface Expected {
  readonly calls: readonly StoreCall[];
  readonly fault: Fault;
  left: number;
}

interface Exchange {
  readonly fault: Fault | undefined;
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
  /** Resolves when who asked has gone, or has the whole answer. */
  readonly over: Promise<unknown>;
}

/** Nobody is left to answer. */
class Gone extends Error {}

/**
 * A way to the real object store on which chosen calls about originals are held, cut off or answered wrongly, and everything is as slow
 * as a test wants it. Signatures stay good, because the Host header passes unchanged.
 */
export class UnreliableStore {
  /** Before each call is passed on. */
  latencyMs = 0;
  /** Of all bodies together, either way. */
  bytesPerSecond = Infinity;
  private expected: Expected[] = [];
  private server: Server | undefined;
  private port = 0;
  private paced: Promise<unknown> = Promise.resolve();

  private constructor(private readonly target: URL) {}

  static async to(url: string): Promise<UnreliableStore> {
    const store = new UnreliableStore(new URL(url));
    await store.mend();
    return store;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next such call gets no further than to that moment. */
  hold(call: StoreCall, at: Moment): Hold {
    const hold = new Hold();
    this.expect([call], { kind: 'hold', at, hold }, 1);
    return hold;
  }

  /** The next such calls are answered so, instead of being passed on or although the store did what was asked. */
  answer(calls: readonly StoreCall[], times: number, at: 'before' | 'after', status: number, code: string): void {
    this.expect(calls, { kind: 'answer', at, status, code }, times);
  }

  reset(call: StoreCall, times: number, at: Moment): void {
    this.expect([call], { kind: 'reset', at }, times);
  }

  /** How many of the faults that were asked for have not happened yet. */
  get faultsLeft(): number {
    return this.expected.reduce((sum, { left }) => sum + left, 0);
  }

  /** As reliable and fast as the store behind it. */
  recover(): void {
    this.expected = [];
    this.latencyMs = 0;
    this.bytesPerSecond = Infinity;
  }

  /** Ends every connection and takes no new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async mend(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((asked, answer) => {
      const { socket } = asked; // which a request that was aborted has no longer
      const fault = this.faultFor(callOf(asked));
      const exchange = { fault, asked, answer, over: once(answer, 'close').catch(() => undefined) };
      this.pass(exchange).catch(() => socket.resetAndDestroy());
    });
    await once(server.listen(this.port, '127.0.0.1'), 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  private expect(calls: readonly StoreCall[], fault: Fault, left: number): void {
    this.expected.push({ calls, fault, left });
  }

  private faultFor(call: StoreCall): Fault | undefined {
    const found = this.expected.find(({ calls, left }) => left > 0 && calls.includes(call));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  private async pass(exchange: Exchange): Promise<void> {
    const { asked, answer } = exchange;
    await wait(this.latencyMs);
    if (await this.isOverAt('before', exchange)) return;
    const far = this.ask(asked);
    const answered = once(far, 'response') as Promise<[IncomingMessage]>;
    answered.catch(() => undefined); // it is awaited below, after the body
    try {
      const reading = asked.method === 'GET';
      await this.passBody(asked, far, reading ? undefined : exchange, Number(asked.headers['content-length'] ?? 0));
      const [response] = await answered;
      if (!reading && (await this.isOverAt('after', exchange, response))) return;
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      await this.passBody(response, answer, reading ? exchange : undefined, Number(response.headers['content-length'] ?? 0));
    } finally {
      if (!far.closed && !answer.writableFinished) far.destroy();
    }
  }

  private ask(asked: IncomingMessage): ClientRequest {
    const { expect: _, connection: __, ...headers } = asked.headers;
    const { hostname, port } = this.target;
    const { method, url: path } = asked;
    return request({ hostname, port, method, path, headers, setHost: false, agent: false }).on('error', () => undefined);
  }

  private async passBody(
    from: IncomingMessage,
    to: ClientRequest | ServerResponse,
    exchange: Exchange | undefined,
    length: number,
  ): Promise<void> {
    let passed = 0;
    for await (const chunk of from as AsyncIterable<Buffer>) {
      await this.pace(chunk.length);
      passed += chunk.length;
      if (to.destroyed) throw new Gone();
      // Not `await once('drain')`, which would never come from a socket that was cut
      await new Promise((resolve) => to.write(chunk, resolve));
      if (exchange !== undefined && passed >= length / 2 && passed < length) await this.isOverAt('midway', exchange);
    }
    to.end();
  }

  /** Does what is to happen at that moment. @returns whether the call was answered with it */
  private async isOverAt(moment: Moment, exchange: Exchange, response?: IncomingMessage): Promise<boolean> {
    const { fault, asked, answer, over } = exchange;
    if (fault === undefined || fault.at !== moment) return false;
    switch (fault.kind) {
      case 'reset':
        throw new Gone();
      case 'hold':
        fault.hold.arrive();
        await over;
        throw new Gone();
      case 'answer':
        for await (const _ of response ?? asked); // an answer before the body's end would be taken for a reset
        answer.writeHead(fault.status, { 'content-type': 'application/xml' });
        answer.end(
          `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>A test wants it so.</Message></Error>`,
        );
        return true;
    }
  }

  private async pace(bytes: number): Promise<void> {
    if (this.bytesPerSecond === Infinity) return;
    this.paced = this.paced.then(() => wait((bytes * 1000) / this.bytesPerSecond));
    await this.paced;
  }
}

function callOf({ method, url = '' }: IncomingMessage): StoreCall {
  const { pathname, searchParams: asked } = new URL(url, 'http://store');
  // What the product stores for itself, its probes and its log, goes its way undisturbed.
  if (!/^\/[^/]+\/originals\//.test(pathname)) return 'other';
  if (method === 'POST' && asked.has('uploads')) return 'CreateMultipartUpload';
  if (method === 'POST' && asked.has('uploadId')) return 'CompleteMultipartUpload';
  if (method === 'PUT' && asked.has('uploadId')) return 'UploadPart';
  if (method === 'PUT' && asked.has('retention')) return 'PutObjectRetention';
  if (method === 'PUT') return 'PutObject';
  if (method === 'GET' && !asked.has('retention') && !asked.has('uploadId')) return 'GetObject';
  return 'other';
}
