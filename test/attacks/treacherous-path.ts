import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A way to a service that loses answers: what is asked arrives and is done, but who asked hears only that the connection is gone. Or that
 * stalls: nothing goes either way, nor does the news that the other end is gone.
 */
export class TreacherousPath {
  /** Whether the answer to what is asked now gets lost. It is asked of every piece that comes by. */
  loses: (asked: string) => boolean = () => false;
  /** How many answers were lost. */
  lost = 0;
  private stalled: (() => void)[] | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  static async to(url: string): Promise<TreacherousPath> {
    const target = new URL(url);
    const server = createServer((near) => path.join(near, connect(Number(target.port), target.hostname)));
    const path = new TreacherousPath(server, target);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return path;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The service's own address, by way of here. */
  get url(): string {
    return Object.assign(new URL(this.target), { host: `127.0.0.1:${this.port}` }).href;
  }

  stall(): void {
    this.stalled ??= [];
  }

  goOn(): void {
    const waiting = this.stalled ?? [];
    this.stalled = undefined;
    for (const pass of waiting) pass();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(near: Socket, far: Socket): void {
    let lost = false;
    const cut = (): void => [near, far].forEach((each) => each.destroy());
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          this.sockets.delete(socket);
          this.whenFree(cut);
        });
    }
    near.on('data', (asked: Buffer) =>
      this.whenFree(() => {
        lost ||= this.loses(asked.toString('latin1'));
        far.write(asked);
      }),
    );
    far.on('data', (answer: Buffer) =>
      this.whenFree(() => {
        if (!lost) return void near.write(answer);
        this.lost += 1;
        cut();
      }),
    );
  }

  private whenFree(pass: () => void): void {
    if (this.stalled === undefined) pass();
    else this.stalled.push(pass);
  }
}
