import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Where the link is shared: the body goes in pieces, each once it may. */
  readonly pace?: Pace;
}

export interface Pace {
  /** Bytes of a piece. */
  readonly piece: number;
  readonly pass: (bytes: number, signal?: AbortSignal) => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const SILENCE_MS = 60_000;
const LONGEST_ANSWER = 16 * 1024 * 1024;
const agents = {
  'http:': new HttpAgent({ keepAlive: true, maxSockets: 16 }),
  'https:': new HttpsAgent({ keepAlive: true, maxSockets: 16 }),
};

/**
 * One request, one answer, no retry. Rejects with the network's error; a minute without a byte either way is one.
 * Built on node:http because `fetch` copies each part and loses an answer that comes before the whole part was sent.
 */
export function exchange(out: Outgoing, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = new URL(out.url).protocol === 'https:';
    const start = secure ? httpsRequest : httpRequest;
    const agent = secure ? agents['https:'] : agents['http:'];
    const headers = { ...out.headers, 'content-length': String(out.body?.length ?? 0) };
    const request = start(out.url, { method: out.method, headers, agent, ...(signal === undefined ? {} : { signal }) });
    request.setTimeout(SILENCE_MS, () => {
      request.destroy(new Error('no byte for a minute'));
    });
    request.on('error', reject);
    request.on('response', (response) => {
      collect(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        // Answered before all was sent: without this the rest would go to a server that has decided
        if (!request.writableEnded) request.destroy();
      }, reject);
    });
    if (out.body === undefined || out.pace === undefined) request.end(out.body);
    else sendPaced(request, out.body, out.pace, signal).catch((error: unknown) => request.destroy(asError(error)));
  });
}

async function sendPaced(request: ClientRequest, body: Uint8Array, pace: Pace, signal?: AbortSignal): Promise<void> {
  for (let at = 0; at < body.length; at += pace.piece) {
    const piece = body.subarray(at, at + pace.piece);
    await pace.pass(piece.length, signal);
    // An answer came before the whole part was sent, or the connection is gone: there is nobody to send the rest to
    if (request.destroyed) return;
    await new Promise<void>((gone) => {
      request.write(piece, () => {
        gone();
      });
    });
  }
  request.end();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error('the answer is longer than any of this service');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Ends kept-alive connections, so that the process can end. */
export function hangUp(): void {
  for (const agent of Object.values(agents)) agent.destroy();
}
