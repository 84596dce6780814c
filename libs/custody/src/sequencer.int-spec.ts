import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { decodeHeader, openCheckpoint, parseProof, verifyInclusion } from '#tlog';
import type { Tx } from '#platform';
import { eventually } from '../../../test/support/eventually.js';
import { LogBehind } from './custody-log.service.js';
import { SEQUENCER_ASLEEP } from './sequencer-sleep.js';
import type { Sequencer } from './sequencer.js';
import { CustodyDatabase } from './testing/custody-database.js';

const LEADER = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7239462 AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** The way to the database, as long as it is open. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async to(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        wire.sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => [near, far].forEach((each) => each.destroy()));
      }
    });
    const wire = new Wire(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return wire;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Lets a transaction wait in its middle: `reached` resolves when it has appended, `release` lets it end. */
function pausedTransaction(
  database: CustodyDatabase,
  work: (tx: Tx) => Promise<string>,
): { readonly reached: Promise<string>; readonly release: () => void; readonly ended: Promise<string> } {
  const appended = Promise.withResolvers<string>();
  const released = Promise.withResolvers<undefined>();
  const ended = database.unitOfWork.run(async (tx) => {
    const id = await work(tx);
    appended.resolve(id);
    await released.promise;
    return id;
  });
  return { reached: appended.promise, release: () => released.resolve(undefined), ended };
}

describe('the sequencer', () => {
  let database: CustodyDatabase;
  let running: Sequencer[] = [];

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    // A test may end before its first checkpoint is due, and fsck rightly refuses a log that nobody ever signed.
    const first = database.start();
    await database.appendSequenced(randomUUID());
    await database.checkpoint();
    await database.stop(first);
  }, 60_000);
  afterAll(() => database.close());
  afterEach(async () => {
    await Promise.all(running.map((each) => database.stop(each)));
    running = [];
    await expect(database.fsck()).resolves.toMatchObject({ ok: true, findings: [] });
  });
  const start = (through?: Wire): Sequencer => {
    const sequencer = database.start(through);
    running.push(sequencer);
    return sequencer;
  };
  const leader = async (): Promise<number | undefined> => (await database.rows<{ pid: number }>(LEADER))[0]?.pid;

  it('gives entries contiguous indexes and links each to the previous one of its subject', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const before = await database.size();
    const ids = [...(await database.append(a, 2)), ...(await database.append(b, 1)), ...(await database.append(a, 2))];
    start();
    await database.untilNothingIsPending();

    const placed = await Promise.all(ids.map((id) => database.log.sequenced(id)));
    expect(placed.map(({ index }) => index - before)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(placed.map(({ subject, seq }) => [subject, seq])).toEqual([
      [a, 0],
      [a, 1],
      [b, 0],
      [a, 2],
      [a, 3],
    ]);
    const chain = await database.log.chain(a);
    expect(chain.map(({ id }) => id)).toEqual([ids[0], ids[1], ids[3], ids[4]]);
    const prevs = chain.map(({ header }) => decodeHeader(Buffer.from(header)).prev);
    expect(prevs).toEqual([null, ...chain.slice(0, -1).map(({ leaf }) => leaf.toString('base64'))]);
  });

  it('loses nothing and places nothing twice while eight writers append and two sequencers run', async () => {
    const before = await database.size();
    const subjects = Array.from({ length: 5 }, () => randomUUID());
    start();
    start();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const written: { id: string; subject: string }[] = [];
      for (let i = 0; i < 50; i++) {
        const subject = subjects[(writer + i) % subjects.length] ?? '';
        const [id = ''] = await database.append(subject);
        written.push({ id, subject });
      }
      return written;
    });
    const written = await Promise.all(writers);
    await database.untilNothingIsPending();

    expect(await database.size()).toBe(before + 400n);
    const chains = await Promise.all(subjects.map((subject) => database.log.chain(subject)));
    const all = written.flat().map(({ id }) => id);
    expect(chains.flatMap((chain) => chain.map(({ id }) => id)).sort()).toEqual(all.sort());
    chains.forEach((chain, i) => {
      const place = new Map(chain.map(({ id, seq }) => [id, seq]));
      // What one writer did later comes later in the chain: cause before effect.
      for (const mine of written) {
        const seqs = mine.filter(({ subject }) => subject === subjects[i]).map(({ id }) => place.get(id) ?? -1);
        expect(seqs).toEqual([...seqs].sort((x, y) => x - y));
      }
    });
  }, 60_000);

  it('does not lose the entry of a transaction that began first and committed last', async () => {
    start();
    const subject = randomUUID();
    const late = pausedTransaction(database, (tx) => database.appendIn(tx, subject));
    const lateId = await late.reached;
    const [early = ''] = await database.appendSequenced(randomUUID());
    expect((await database.log.chain(subject)).length).toBe(0);

    late.release();
    await late.ended;
    const placed = await database.log.sequenced(lateId);
    expect(placed.index).toBeGreaterThan((await database.log.sequenced(early)).index);
  });

  it('places nothing of a transaction that was rolled back, and keeps no payload of it', async () => {
    start();
    const subject = randomUUID();
    let lost = '';
    const failing = database.unitOfWork.run(async (tx) => {
      lost = await database.appendIn(tx, subject);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await database.appendSequenced(randomUUID());
    await database.untilNothingIsPending();
    expect(lost).not.toBe('');
    expect(await database.log.chain(subject)).toEqual([]);
    expect(await database.rows('SELECT 1 FROM custody_payloads WHERE entry = $1', [lost])).toEqual([]);
  });

  it('takes over within five seconds from a leader whose connection was terminated', async () => {
    const wire = await Wire.to(database.urls.sequencer);
    start(wire);
    const first = await eventually('the first leads', leader);
    start();
    await database.appendSequenced(randomUUID());

    wire.cut();
    await database.superuser.query('SELECT pg_terminate_backend($1)', [first]);
    const began = performance.now();
    const [id = ''] = await database.append(randomUUID());
    await database.log.sequenced(id, 5000);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await leader()).not.toBe(first);
  }, 30_000);

  it('goes on by itself when its connection is cut and nobody else is there', async () => {
    start();
    const first = await eventually('it leads', leader);
    await database.superuser.query('SELECT pg_terminate_backend($1)', [first]);
    const [id = ''] = await database.append(randomUUID());
    await database.log.sequenced(id, 5000);
  }, 30_000);

  it('sleeps while nothing is to be done, never beside a transaction that counts on it, and wakes for the next entry', async () => {
    const asleep = (): Promise<boolean> =>
      database
        .rows(
          `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${SEQUENCER_ASLEEP} AND mode = 'ExclusiveLock' AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        )
        .then((rows) => rows.length > 0);
    start();
    await eventually('it sleeps', asleep);
    await database.appendSequenced(randomUUID());
    await eventually('it sleeps again', asleep);

    // As an entry does that was appended while the sequencer was awake, and is not committed yet.
    await database.superuser.query('BEGIN');
    await database.superuser.query('SELECT pg_advisory_xact_lock_shared($1)', [SEQUENCER_ASLEEP]);
    for (let i = 0; i < 3; i++) {
      await database.appendSequenced(randomUUID());
      expect(await asleep()).toBe(false);
    }
    await database.superuser.query('COMMIT');
    await eventually('it sleeps once nobody counts on it', asleep);
  });

  it('lets one lead at a time', async () => {
    start();
    start();
    start();
    await database.appendSequenced(randomUUID(), 3);
    expect(await database.rows(LEADER)).toHaveLength(1);
  });

  it('signs a checkpoint over an entry when asked, and a proof that anybody can check', async () => {
    start();
    const [id = ''] = await database.appendSequenced(randomUUID(), 20);
    const entry = await database.log.sequenced(id);
    const covering = await database.log.checkpointCovering(entry.index);
    const checkpoint = openCheckpoint(covering.note, [database.verifier]);
    expect(checkpoint.origin).toBe(database.verifier.name);
    expect(checkpoint.size).toBe(covering.size);
    expect(checkpoint.size).toBeGreaterThan(entry.index);

    const proof = parseProof(await database.log.proofOf(entry));
    const signed = openCheckpoint(proof.checkpoint, [database.verifier]);
    const claim = { index: proof.index, size: signed.size, leaf: entry.leaf, proof: proof.hashes, root: signed.root };
    expect(proof.index).toBe(entry.index);
    expect(() => verifyInclusion(claim)).not.toThrow();
    expect(() => verifyInclusion({ ...claim, leaf: Buffer.alloc(32) })).toThrow();
    expect(() => verifyInclusion({ ...claim, index: claim.index + 1n })).toThrow();
  });

  it('proves entries all over the log under every checkpoint that covers them', async () => {
    start();
    await database.appendSequenced(randomUUID(), 7);
    await database.checkpoint();
    const entries = await database.rows<{ index: string; leaf_hash: Buffer }>(
      'SELECT index, leaf_hash FROM custody_entries ORDER BY index',
    );
    const checkpoints = await database.rows<{ note: string }>('SELECT note FROM log_checkpoints ORDER BY size');
    expect(checkpoints.length).toBeGreaterThan(1);
    for (const { note } of checkpoints) {
      const { size, root } = openCheckpoint(note, [database.verifier]);
      const covered = entries.slice(0, Number(size)).filter((_, i) => i % 31 === 0 || i === Number(size) - 1);
      const proofs = await database.log.inclusionProofs(
        covered.map(({ index }) => BigInt(index)),
        size,
      );
      covered.forEach(({ index, leaf_hash: leaf }, i) =>
        verifyInclusion({ index: BigInt(index), size, leaf, proof: proofs[i] ?? [], root }),
      );
    }
  });

  it('says that the log is behind when nobody sequences, and catches up later', async () => {
    const [id = ''] = await database.append(randomUUID());
    await expect(database.log.sequenced(id, 50)).rejects.toBeInstanceOf(LogBehind);
    await expect(database.log.checkpointCovering(await database.size(), 50)).rejects.toBeInstanceOf(LogBehind);
    start();
    await database.log.sequenced(id);
  });
});
