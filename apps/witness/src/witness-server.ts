import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from './witness-faults.js';
import type { Answer, Witness } from './witness.js';

export interface Limits {
  /** Bytes of a request body. */
  readonly body: number;
  /** Milliseconds from the first byte of a request to its last. */
  readonly request: number;
  readonly connections: number;
}

/** 63 proof lines are 3 KB; the rest is for the signatures that a checkpoint already carries. */
export const LIMITS: Limits = { body: 65_536, request: 10_000, connections: 256 };

/** One line of the log: one JSON object. */
export type WriteLine = (line: Readonly<Record<string, unknown>>) => void;

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly logged?: Readonly<Record<string, unknown>>;
}

/** POST /add-checkpoint and nothing else. C2SP tlog-witness */
export function witnessServer(witness: Witness, writeLine: WriteLine, limits: Limits = LIMITS): Server {
  const options = {
    requestTimeout: limits.request,
    headersTimeout: limits.request,
    connectionsCheckingInterval: Math.min(1_000, limits.request),
    keepAliveTimeout: 60_000,
    maxHeaderSize: 8_192,
  };
  const server = createServer(options, (request, response) => {
    const began = performance.now();
    void replyTo(request, witness, limits).then((reply) => {
      // Kept alive, this connection would hold up a server that was told to stop.
      if (!server.listening) response.setHeader('connection', 'close');
      if (reply !== undefined) send(response, reply);
      writeLine({
        event: 'request',
        remote: request.socket.remoteAddress,
        method: request.method,
        path: request.url?.slice(0, 100),
        status: reply?.status ?? 'broken off',
        ms: Math.round(performance.now() - began),
        ...reply?.logged,
      });
    });
  });
  server.maxConnections = limits.connections;
  return server;
}

/** Undefined when the client went away before its request was whole. */
async function replyTo(request: IncomingMessage, witness: Witness, limits: Limits): Promise<Reply | undefined> {
  if (request.url !== '/add-checkpoint') return closing({ status: 404, body: 'There is only /add-checkpoint here.\n' });
  if (request.method !== 'POST') {
    return closing({ status: 405, body: 'Use POST.\n', headers: { allow: 'POST' } });
  }
  let body: Uint8Array | undefined;
  try {
    body = await bodyOf(request, limits.body);
  } catch {
    return undefined;
  }
  if (body === undefined) return closing({ status: 413, body: `A request has at most ${limits.body} bytes.\n` });
  try {
    return replyFor(await witness.addCheckpoint(body));
  } catch (error) {
    // What went wrong is for the operator; the log is told only that it may try again.
    return { status: 500, body: 'The checkpoint could not be recorded.\n', logged: { reason: messageOf(error) } };
  }
}

function replyFor(answer: Answer): Reply {
  const submission = answer.submission && {
    origin: answer.submission.checkpoint.origin,
    old: answer.submission.oldSize.toString(),
    size: answer.submission.checkpoint.size.toString(),
    root: Buffer.from(answer.submission.checkpoint.root).toString('base64'),
  };
  if (answer.status === 200) return { status: 200, body: answer.cosignature, logged: { ...submission } };
  const { status, reason } = answer;
  const logged = { ...submission, reason };
  if (status === 409 && answer.size !== undefined) {
    const seen = answer.conflict ? { ...logged, conflict: true } : logged;
    return { status, body: `${answer.size}\n`, type: 'text/x.tlog.size', logged: seen };
  }
  return { status, body: `${reason}\n`, logged };
}

/** A request whose body was not read ends its connection: the next one would begin in the middle of it. */
function closing(reply: Reply): Reply {
  return { ...reply, headers: { ...reply.headers, connection: 'close' } };
}

/** Undefined when there is more than `limit`. @throws when the client breaks off or takes too long */
async function bodyOf(request: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, body, type, headers }: Reply): void {
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}
