import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** One request that went through, and what is known here of its answer. */
export interface Passage {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  /** 0 while nothing was answered. */
  status: number;
  /** Of the answer's body, as they came from the service: more than the client may have got, if it was cut off. */
  bytes: number;
}

interface Cut {
  readonly path: RegExp;
  readonly afterBytes: number;
}

/** Between clients and the service: counts what the service really sends, and cuts answers off in the middle. Each request has a connection of its own. */
export class CountingProxy {
  readonly passages: Passage[] = [];
  private readonly cuts: Cut[] = [];
  private readonly server: Server;
  private readonly agent = new Agent({ keepAlive: false });

  private constructor(private readonly target: URL) {
    this.server = createServer((near, answer) => {
      this.pass(near, answer);
    });
  }

  static async to(url: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(new URL(url));
    await once(proxy.server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next answer to such a path is cut off on both sides, as soon as so many bytes of its body have gone by. */
  cutNext(path: RegExp, afterBytes: number): void {
    this.cuts.push({ path, afterBytes });
  }

  /** What went through to such a path. */
  through(path: RegExp): readonly Passage[] {
    return this.passages.filter((passage) => path.test(passage.path));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
    await wait(0);
  }

  private pass(near: IncomingMessage, answer: ServerResponse): void {
    const passage = { method: near.method ?? '', path: near.url ?? '', range: near.headers.range, status: 0, bytes: 0 };
    this.passages.push(passage);
    const at = this.cuts.findIndex(({ path }) => path.test(passage.path));
    const [cut] = at === -1 ? [] : this.cuts.splice(at, 1);
    const { hostname, port } = this.target;
    const { method, path } = passage;
    const far = request({ hostname, port, method, path, agent: this.agent, headers: { ...near.headers, connection: 'close' } });
    const breakOff = (): void => {
      far.destroy();
      near.socket.resetAndDestroy();
    };
    far.on('error', breakOff);
    answer.on('close', () => answer.writableFinished || far.destroy());
    near.pipe(far);
    far.on('response', (found: IncomingMessage) => {
      passage.status = found.statusCode ?? 0;
      found.on('error', breakOff);
      answer.writeHead(passage.status, found.rawHeaders);
      if (cut?.afterBytes === 0) return void breakOff();
      let left = cut?.afterBytes ?? Infinity;
      found.on('data', (chunk: Buffer) => {
        passage.bytes += chunk.length;
        const passed = chunk.subarray(0, left);
        left -= passed.length;
        if (!answer.write(passed)) {
          found.pause();
          answer.once('drain', () => found.resume());
        }
        if (left === 0) breakOff();
      });
      found.on('end', () => answer.end());
    });
  }
}
