import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
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
      }, reject);
    });
    request.end(out.body);
  });
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
