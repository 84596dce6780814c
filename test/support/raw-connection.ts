import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One connection on which a test says what it likes, byte by byte: half a request, two at once, or one that never ends. */
export class RawConnection {
  private received = '';
  private over = false;
  private readonly watchers = new Set<() => void>();

  private constructor(private readonly socket: Socket) {
    const wake = (): void => {
      for (const watcher of this.watchers) watcher();
    };
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.over = true;
      wake();
    });
  }

  static async to(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  get isOpen(): boolean {
    return !this.over;
  }

  /** The head of a request, and nothing of its body. */
  head(method: string, path: string, headers: Readonly<Record<string, string | number>> = {}): this {
    const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
    return this.send(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  }

  send(bytes: Uint8Array | string): this {
    this.socket.write(bytes);
    return this;
  }

  /** Without a farewell. */
  cut(): void {
    this.socket.destroy();
  }

  /** The next answer. @throws Error when the connection ends without it */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const found = this.next();
      if (found !== undefined) return found;
      if (this.over) throw new Error(`The connection ended after "${this.received}".`);
      await this.something();
    }
  }

  /** Resolves when the other side has ended it. */
  async closed(): Promise<void> {
    while (!this.over) await this.something();
  }

  private next(): RawAnswer | undefined {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = this.received.slice(0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const length = Number(headers.get('content-length') ?? 0);
    if (this.received.length < end + 4 + length) return undefined;
    const body = this.received.slice(end + 4, end + 4 + length);
    this.received = this.received.slice(end + 4 + length);
    return { status: Number(first.split(' ')[1]), headers, body };
  }

  private async something(): Promise<void> {
    await new Promise<void>((happened) => {
      const watcher = (): void => {
        this.watchers.delete(watcher);
        happened();
      };
      this.watchers.add(watcher);
    });
  }
}
