import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Hold } from './hold.js';

const MIB = 2 ** 20;

/** Together, both ways: a station's uplink, so that a cut finds something under way. */
const BYTES_PER_SECOND = 24 * MIB;
/** Of both ways together, on average, before a connection is cut. */
const BYTES_PER_LIFE = 12 * MIB;

/**
 * The way from docking stations to the service. Reliable until `trouble` begins: from then on connections are cut at random, at rest and in
 * the middle of bodies, ended or reset, pieces are late, and now and then the whole link is gone for a while. The seed decides how.
 */
export class UnreliableLink {
  /** How many connections were cut. */
  cuts = 0;
  private readonly sockets = new Set<Socket>();
  private readonly random: () => number;
  private server: Server;
  private inTrouble = false;
  private outages: Promise<void> = Promise.resolve();
  private paced: Promise<unknown> = Promise.resolve();
  private held: { readonly bytes: number; readonly hold: Hold } | undefined;

  private constructor(
    private readonly target: URL,
    seed: number,
  ) {
    this.random = mulberry32(seed);
  }

  static async to(url: string, seed = 1): Promise<UnreliableLink> {
    const link = new UnreliableLink(new URL(url), seed);
    await link.listen(0);
    return link;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The first connection that has brought so many bytes to the service brings no more. */
  holdAfter(bytes: number): Hold {
    const hold = new Hold();
    this.held = { bytes, hold };
    return hold;
  }

  trouble(): void {
    if (this.inTrouble) return;
    this.inTrouble = true;
    this.outages = this.comeAndGo();
  }

  /** Reliable again. */
  async calm(): Promise<void> {
    this.inTrouble = false;
    await this.outages;
  }

  async close(): Promise<void> {
    await this.calm();
    await this.stopListening();
  }

  private async listen(port: number): Promise<void> {
    this.server = createServer((near) => this.join(near, connect(Number(this.target.port), this.target.hostname)));
    await once(this.server.listen(port, '127.0.0.1'), 'listening');
  }

  private async stopListening(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async comeAndGo(): Promise<void> {
    while (this.inTrouble) {
      const until = performance.now() + this.between(2000, 6000);
      while (this.inTrouble && performance.now() < until) await wait(50);
      if (!this.inTrouble) return;
      const { port } = this;
      this.cuts += this.sockets.size / 2;
      await this.stopListening();
      await wait(this.between(100, 1000));
      await this.listen(port);
    }
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
          other.destroy();
        });
    }
    const life = { left: this.inTrouble ? -Math.log(1 - this.random()) * BYTES_PER_LIFE : Infinity, brought: 0 };
    void this.pass(near, far, life);
    void this.pass(far, near, life);
  }

  /** Both ways of a connection share its life, in bytes. */
  private async pass(from: Socket, to: Socket, life: { left: number; brought: number }): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (this.inTrouble) await this.pace(chunk.length);
        life.left -= chunk.length;
        if (life.left < 0) {
          this.cuts += 1;
          // The beginning of the piece arrives: what is cut off is hardly ever cut at a boundary.
          to.write(chunk.subarray(0, Math.floor(this.random() * chunk.length)));
          if (this.random() < 0.5) to.end();
          else to.resetAndDestroy();
          from.resetAndDestroy();
          return;
        }
        await new Promise((resolve) => to.write(chunk, resolve));
        await this.waitIfHeld(from, to, life, chunk.length);
      }
      to.end();
    } catch {
      to.destroy();
    }
  }

  private async waitIfHeld(from: Socket, to: Socket, life: { brought: number }, bytes: number): Promise<void> {
    if (this.held === undefined || to.remotePort !== Number(this.target.port)) return;
    life.brought += bytes;
    if (life.brought < this.held.bytes) return;
    this.held.hold.arrive();
    this.held = undefined;
    if (!from.destroyed) await once(from, 'close');
  }

  private async pace(bytes: number): Promise<void> {
    if (this.random() < 0.02) await wait(this.between(0, 300));
    this.paced = this.paced.then(() => wait((bytes * 1000) / BYTES_PER_SECOND));
    await this.paced;
  }

  private between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }
}

/** Numbers from 0 to 1, the same ones for the same seed. Tommy Ettinger's mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
