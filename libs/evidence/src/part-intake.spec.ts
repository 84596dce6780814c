import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Problem } from '#platform';
import { type IntakeOptions, PartIntake } from './part-intake.js';

const KIB = 1024;
const SLOT = 256 * KIB;
/** Two slots of room; nothing times out unless a test says so. */
const USUAL: IntakeOptions = {
  room: 2 * SLOT,
  slot: SLOT,
  queue: 10,
  waitMs: 60_000,
  idleMs: 60_000,
  leastSpeed: 1,
};

interface Arrived {
  readonly sender: string;
  readonly bytes: Buffer;
  readonly sha256: Buffer;
  /** Ends the work on it; with an error, it fails. */
  readonly finish: (error?: Error) => void;
}

/** A server that takes bodies in through an intake, and where every part is worked on until the test lets it finish. */
class Dockside {
  private readonly sockets: Socket[] = [];
  private readonly watchers: (() => void)[] = [];
  readonly arrived: Arrived[] = [];
  readonly answers: string[] = [];

  private constructor(
    readonly intake: PartIntake,
    private readonly server: Server,
  ) {}

  static async open(options: Partial<IntakeOptions> = {}): Promise<Dockside> {
    const intake = new PartIntake({ ...USUAL, ...options });
    const server = createServer();
    const dockside = new Dockside(intake, server);
    server.on('request', (incoming, answer) => {
      const sender = String(incoming.headers['x-sender']);
      const size = Number(incoming.headers['content-length']);
      const work = (bytes: Buffer, sha256: Buffer): Promise<void> =>
        new Promise((resolve, reject) => {
          dockside.note(dockside.arrived, {
            ...{ sender, bytes, sha256 },
            finish: (error) => {
              if (error === undefined) resolve();
              else reject(error);
            },
          });
        });
      intake.take(incoming, size, sender, work).then(
        () => {
          answer.writeHead(204).end();
          dockside.note(dockside.answers, `${sender} 204`);
        },
        (error: unknown) => {
          const { status, code } = error instanceof Problem ? error : { status: 500, code: String(error) };
          answer.writeHead(status).end();
          dockside.note(dockside.answers, `${sender} ${status} ${code}`);
        },
      );
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return dockside;
  }

  async close(): Promise<void> {
    for (const { finish } of this.arrived) finish();
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  /** Sends a whole part. */
  async send(sender: string, bytes: Buffer): Promise<number> {
    const { port } = this.server.address() as AddressInfo;
    const sending = request({ port, method: 'PUT', headers: { 'x-sender': sender, 'content-length': bytes.length } });
    sending.end(bytes);
    const [answer] = (await once(sending, 'response')) as [{ statusCode: number; resume: () => void }];
    answer.resume();
    return answer.statusCode;
  }

  /** Announces `length` bytes and sends these only. */
  async begin(sender: string, length: number, bytes: Buffer): Promise<Socket> {
    const socket = connect((this.server.address() as AddressInfo).port, '127.0.0.1');
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`PUT / HTTP/1.1\r\nHost: x\r\nX-Sender: ${sender}\r\nContent-Length: ${length}\r\n\r\n`);
    socket.write(bytes);
    return socket;
  }

  /** Resolves once it is true, looking again whenever something happened. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((happened) => this.watchers.push(happened));
  }

  private note<T>(list: T[], item: T): void {
    list.push(item);
    for (const watcher of this.watchers.splice(0)) watcher();
  }
}

describe('taking parts in', () => {
  let dockside: Dockside;
  afterEach(async () => dockside.close());

  it('hands over the bytes as they were sent, with their SHA-256, however they arrived', async () => {
    dockside = await Dockside.open();
    for (const size of [1, 1000, 64 * KIB, SLOT - 1, SLOT, 3 * SLOT]) {
      const bytes = randomBytes(size);
      const answer = dockside.send('a', bytes);
      await dockside.until(() => dockside.arrived.length === 1);
      const [part] = dockside.arrived.splice(0);
      expect(part?.bytes.equals(bytes)).toBe(true);
      expect(part?.sha256).toEqual(createHash('sha256').update(bytes).digest());
      part?.finish();
      expect(await answer).toBe(204);
    }
    expect(dockside.intake.load).toEqual({ inFlight: 0, waiting: 0 });
  });

  it('uses its buffers again', async () => {
    dockside = await Dockside.open();
    const seen = new Set<ArrayBufferLike>();
    for (let i = 0; i < 5; i++) {
      const answer = dockside.send('a', randomBytes(SLOT - i));
      await dockside.until(() => dockside.arrived.length === 1);
      const [part] = dockside.arrived.splice(0);
      seen.add(part!.bytes.buffer);
      part?.finish();
      await answer;
    }
    expect(seen.size).toBe(1);
  });

  it('leaves whoever finds no room unread, and lets them in by turns as room is given back', async () => {
    dockside = await Dockside.open({ room: SLOT });
    const bytes = randomBytes(SLOT);
    const all = [dockside.send('a', bytes)];
    await dockside.until(() => dockside.arrived.length === 1);
    for (let i = 0; i < 3; i++) {
      await dockside.begin('a', SLOT, bytes);
    }
    await expect(waiting(3)).resolves.toBeUndefined();
    all.push(dockside.send('b', bytes));
    await waiting(4);
    expect(dockside.intake.load).toEqual({ inFlight: SLOT, waiting: 4 });
    for (let i = 0; i < 5; i++) {
      await dockside.until(() => dockside.arrived.length === i + 1);
      dockside.arrived[i]?.finish();
    }
    expect(await Promise.all(all)).toEqual([204, 204]);
    expect(dockside.arrived.map(({ sender }) => sender)).toEqual(['a', 'a', 'b', 'a', 'a']);
  });

  it('tells whoever waited long enough to come back', async () => {
    dockside = await Dockside.open({ room: SLOT, waitMs: 50 });
    void dockside.begin('slow', SLOT, Buffer.alloc(1));
    await dockside.begin('a', SLOT, Buffer.alloc(1));
    await dockside.until(() => dockside.answers.length === 1);
    expect(dockside.answers[0]).toMatch(/ 503 busy$/);
    expect(dockside.intake.load).toEqual({ inFlight: SLOT, waiting: 0 });
  });

  it('tells the one with most in the queue to come back when the queue is full', async () => {
    dockside = await Dockside.open({ room: SLOT, queue: 3 });
    await dockside.begin('slow', SLOT, Buffer.alloc(1));
    await inFlight(SLOT);
    for (let i = 0; i < 3; i++) await dockside.begin('many', SLOT, Buffer.alloc(1));
    await waiting(3);
    await dockside.begin('few', SLOT, Buffer.alloc(1));
    await dockside.until(() => dockside.answers.length === 1);
    expect(dockside.answers).toEqual(['many 503 busy']);
    expect(dockside.intake.load.waiting).toBe(3);
  });

  it('gives the room back when the connection is cut on the way', async () => {
    dockside = await Dockside.open();
    const socket = await dockside.begin('a', SLOT, Buffer.alloc(1000));
    await inFlight(SLOT);
    socket.destroy();
    await dockside.until(() => dockside.answers.length === 1);
    expect(dockside.answers).toEqual(['a 400 part-cut-off']);
    expect(dockside.intake.load.inFlight).toBe(0);
  });

  it('gives the room back when the sender ends too early', async () => {
    dockside = await Dockside.open();
    const socket = await dockside.begin('a', SLOT, Buffer.alloc(1000));
    await inFlight(SLOT);
    socket.end();
    await dockside.until(() => dockside.answers.length === 1);
    expect(dockside.answers).toEqual(['a 400 part-cut-off']);
    expect(dockside.intake.load.inFlight).toBe(0);
  });

  it('gives the room to the next when a sender who waited is gone', async () => {
    dockside = await Dockside.open({ room: SLOT });
    const answer = dockside.send('a', randomBytes(SLOT));
    await dockside.until(() => dockside.arrived.length === 1);
    const gone = await dockside.begin('b', SLOT, Buffer.alloc(1000));
    await waiting(1);
    gone.destroy();
    const next = dockside.send('c', randomBytes(SLOT));
    await waiting(2);
    dockside.arrived[0]?.finish();
    await dockside.until(() => dockside.arrived.length === 2);
    dockside.arrived[1]?.finish();
    expect([await answer, await next]).toEqual([204, 204]);
    expect(dockside.arrived.map(({ sender }) => sender)).toEqual(['a', 'c']);
    expect(dockside.answers).toContain('b 400 part-cut-off');
  });

  it('takes the room from a sender who stops', async () => {
    dockside = await Dockside.open({ idleMs: 100 });
    await dockside.begin('a', SLOT, Buffer.alloc(1000));
    await dockside.until(() => dockside.answers.length === 1);
    expect(dockside.answers).toEqual(['a 408 part-too-slow']);
    expect(dockside.intake.load.inFlight).toBe(0);
  });

  it('takes the room from a sender who never stops but hardly sends', async () => {
    dockside = await Dockside.open({ idleMs: 200, leastSpeed: SLOT * 10 });
    const socket = await dockside.begin('a', SLOT, Buffer.alloc(1));
    const dripping = setInterval(() => socket.write(Buffer.alloc(1)), 20);
    await dockside.until(() => dockside.answers.length === 1);
    clearInterval(dripping);
    expect(dockside.answers).toEqual(['a 408 part-too-slow']);
    expect(dockside.intake.load.inFlight).toBe(0);
  });

  it('gives the room back when storing the part fails', async () => {
    dockside = await Dockside.open();
    const answer = dockside.send('a', randomBytes(SLOT));
    await dockside.until(() => dockside.arrived.length === 1);
    dockside.arrived[0]?.finish(new Error('the store is down'));
    expect(await answer).toBe(500);
    expect(dockside.intake.load.inFlight).toBe(0);
  });

  it('takes a part that is larger than all its room alone', async () => {
    dockside = await Dockside.open();
    const first = dockside.send('a', randomBytes(SLOT));
    await dockside.until(() => dockside.arrived.length === 1);
    const large = dockside.send('b', randomBytes(3 * SLOT));
    await waiting(1);
    dockside.arrived[0]?.finish();
    await dockside.until(() => dockside.arrived.length === 2);
    expect(dockside.intake.load.inFlight).toBe(3 * SLOT);
    dockside.arrived[1]?.finish();
    expect([await first, await large]).toEqual([204, 204]);
  });

  it('ends with what has arrived stored, and everybody else told to come back', async () => {
    dockside = await Dockside.open();
    const arrived = dockside.send('arrived', randomBytes(SLOT));
    await dockside.until(() => dockside.arrived.length === 1);
    await dockside.begin('sending', SLOT, Buffer.alloc(1000));
    await inFlight(2 * SLOT);
    await dockside.begin('waiting', SLOT, Buffer.alloc(1000));
    await waiting(1);
    dockside.intake.onModuleDestroy();
    await dockside.until(() => dockside.answers.length === 2);
    expect([...dockside.answers].sort()).toEqual(['sending 503 busy', 'waiting 503 busy']);
    dockside.arrived[0]?.finish();
    expect(await arrived).toBe(204);
    expect(await dockside.send('late', randomBytes(SLOT))).toBe(503);
    expect(dockside.intake.load).toEqual({ inFlight: 0, waiting: 0 });
  });

  async function waiting(count: number): Promise<void> {
    while (dockside.intake.load.waiting !== count) await turn();
  }

  async function inFlight(bytes: number): Promise<void> {
    while (dockside.intake.load.inFlight !== bytes) await turn();
  }

  /** What has arrived on the sockets so far is seen. */
  async function turn(): Promise<void> {
    await new Promise((seen) => setImmediate(seen));
  }
});
