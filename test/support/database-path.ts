import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Hold } from './hold.js';

interface Awaited {
  readonly writes: RegExp;
  readonly at: 'before' | 'after';
  readonly hold: Hold;
}

/**
 * A way to PostgreSQL that can be cut and mended, and on which a chosen change can be held at the moment that decides: just before it
 * becomes durable, or when it is durable and nobody has been told.
 */
export class DatabasePath {
  private readonly sockets = new Set<Socket>();
  private readonly awaited = new Set<Awaited>();
  private server: Server | undefined;
  private port = 0;

  private constructor(private readonly target: URL) {}

  /** @param url of any database and role on the server */
  static async to(url: string): Promise<DatabasePath> {
    const path = new DatabasePath(new URL(url));
    await path.mend();
    return path;
  }

  /** The product's connections in that environment, by way of here. */
  through(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const moved = (url = ''): string => Object.assign(new URL(url), { host: `127.0.0.1:${this.port}` }).href;
    return { DATABASE_URL: moved(env['DATABASE_URL']), DATABASE_SEQUENCER_URL: moved(env['DATABASE_SEQUENCER_URL']) };
  }

  /** Holds the next transaction in which such a statement was made, at its COMMIT, or such a statement that is outside of any. */
  hold(writes: RegExp, at: 'before' | 'after'): Hold {
    const hold = new Hold();
    this.awaited.add({ writes, at, hold });
    return hold;
  }

  /** Ends every connection and takes no new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((near) => this.join(near, connect(Number(this.target.port || 5432), this.target.hostname)));
    await once(server.listen(this.port, '127.0.0.1'), 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  private join(near: Socket, far: Socket): void {
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          this.sockets.delete(socket);
          // Without a COMMIT that is held here, so that the server rolls back.
          other.destroy();
        });
    }
    let transaction: string | undefined;
    let untold: Hold | undefined;
    let held = false;
    near.on('data', (chunk: Buffer) => {
      // Read all the same, not paused: else it would not be noticed here that the other end is gone.
      if (held) return;
      const statement = chunk.toString('latin1');
      if (isQuery(statement, /^(START TRANSACTION|BEGIN)/)) transaction = '';
      if (transaction !== undefined) transaction += statement;
      const ends = isQuery(statement, /^COMMIT/);
      const found = this.awaitedIn(ends || transaction === undefined ? (transaction ?? statement) : '');
      if (isQuery(statement, /^(COMMIT|ROLLBACK)/)) transaction = undefined;
      if (found?.at === 'before') {
        held = true;
        found.hold.arrive();
        return;
      }
      if (found !== undefined) untold = found.hold;
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (untold === undefined) return void near.write(chunk);
      untold.arrive();
    });
  }

  /** Nothing is held from now on. */
  recover(): void {
    this.awaited.clear();
  }

  private awaitedIn(written: string): Awaited | undefined {
    const found = [...this.awaited].find(({ writes }) => writes.test(written));
    if (found !== undefined) this.awaited.delete(found);
    return found;
  }
}

/** A simple query, which is how transactions begin and end. PostgreSQL protocol 3.0, message `Q`: type, int32 length, text */
function isQuery(message: string, text: RegExp): boolean {
  return message.startsWith('Q') && text.test(message.slice(5));
}
