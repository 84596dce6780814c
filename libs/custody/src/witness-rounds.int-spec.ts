import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import {
  addSignatureLines,
  checkPolicy,
  cosign,
  generateNoteKey,
  generateWitnessKey,
  openCheckpoint,
  parseCosigner,
  parsePolicy,
  parseSigner,
  parseVerifier,
  signCheckpoint,
} from '#tlog';
import { eventually } from '../../../test/support/eventually.js';
import { TestWitnesses, type TestWitness } from '../../../test/support/witness.js';
import { LogBehind, WitnessesBehind } from './custody-log.service.js';
import { CustodyDatabase } from './testing/custody-database.js';

describe('the witnesses of the log', () => {
  let database: CustodyDatabase;
  let witnesses: TestWitnesses;
  const servers: Server[] = [];

  beforeAll(async () => {
    witnesses = await TestWitnesses.create();
  });
  afterAll(() => witnesses.close());
  beforeEach(async () => {
    database = await CustodyDatabase.create();
  }, 60_000);
  afterEach(async () => {
    await database.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const add = (name: string): Promise<TestWitness> => witnesses.add(name, database.verifier.vkey);
  const started = async (...names: string[]): Promise<TestWitness[]> =>
    Promise.all(names.map(async (name) => (await add(name)).start()));
  const policyOf = (threshold: string, ...those: readonly { line: string; name: string }[]): string =>
    `${those.map(({ line }) => line).join('')}group all-of-them ${threshold} ${those.map(({ name }) => name).join(' ')}\nquorum all-of-them\n`;
  const last = async (): Promise<bigint> => (await database.size()) - 1n;
  /** A witness that answers as it likes. */
  const rogue = async (
    name: string,
    answer: (body: string) => { status: number; body: string },
  ): Promise<{ line: string; name: string }> => {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { status, body } = answer(Buffer.concat(chunks).toString());
        response.writeHead(status).end(body);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { name, line: `witness ${name} ${rogueKey.vkey} http://127.0.0.1:${port}/\n` };
  };
  const rogueKey = generateWitnessKey('rogue.test/witness');

  it('cosign each checkpoint, and what waits for one gets it with their cosignatures', async () => {
    const [a, b] = await started('a', 'b');
    if (a === undefined || b === undefined) throw new Error('no witnesses');
    const policy = policyOf('all', a, b);
    database.trust(policy);
    database.start();
    await database.appendSequenced(randomUUID(), 3);
    const first = await database.log.checkpointCovering(await last());
    await database.appendSequenced(randomUUID(), 300);
    const second = await database.log.checkpointCovering(await last());
    for (const { note, size } of [first, second]) {
      const { checkpoint, cosigners } = checkPolicy(note, parsePolicy(`log ${database.verifier.vkey}\n${policy}`));
      expect(checkpoint.size).toBe(size);
      expect(cosigners.map(({ alias }) => alias)).toEqual(['a', 'b']);
    }
    expect([...a.answers, ...b.answers].every((status) => status === 200 || status === 409)).toBe(true);
    await eventually('the mirror holds it with its cosignatures', async () => {
      const prefix = `${encodeURIComponent(database.verifier.name)}/checkpoint/${second.size.toString().padStart(20, '0')}-`;
      const keys = new Set<string>();
      for await (const { key } of database.store.listVersions(database.config.S3_LOG_BUCKET, prefix)) keys.add(key);
      // As the log signed it, and with their cosignatures.
      return keys.size === 2;
    });
  }, 60_000);

  it('are not all needed when the policy says so, and one that comes back catches up', async () => {
    const [a] = await started('a');
    const b = await add('b');
    if (a === undefined) throw new Error('no witness');
    database.trust(policyOf('1', a, b));
    const sequencer = database.start();
    await database.appendSequenced(randomUUID(), 3);
    await database.log.checkpointCovering(await last());
    expect(sequencer.witnesses.health.map(({ alias, cosigned }) => [alias, cosigned])).toEqual([
      ['a', 3n],
      ['b', 0n],
    ]);
    await b.start();
    await database.appendSequenced(randomUUID(), 3);
    await eventually(
      'the other has cosigned too',
      async () => (await database.rows('SELECT 1 FROM log_cosignatures WHERE witness = $1', [b.vkey])).length > 0,
    );
  }, 60_000);

  it('keep what needs them waiting while too few answer, and nothing else', async () => {
    const [a] = await started('a');
    const b = await add('b');
    if (a === undefined) throw new Error('no witness');
    database.trust(policyOf('all', a, b));
    database.start();
    await database.appendSequenced(randomUUID(), 3);
    await expect(database.log.checkpointCovering(await last(), 4000)).rejects.toBeInstanceOf(WitnessesBehind);
    await expect(database.log.checkpointCovering(1000n, 200)).rejects.toBeInstanceOf(LogBehind);
    const waiting = database.log.checkpointCovering(await last(), 30_000);
    await b.start();
    expect((await waiting).size).toBe(3n);
  }, 60_000);

  it('are asked again from where they are when a restart or another worker forgot it', async () => {
    const [a] = await started('a');
    if (a === undefined) throw new Error('no witness');
    database.trust(`${a.line}quorum a\n`);
    const one = database.start();
    await database.appendSequenced(randomUUID(), 3);
    await database.log.checkpointCovering(await last());
    await database.stop(one);
    // As if the process had died between the witness's answer and writing it down.
    await database.tamper((run) => run('DELETE FROM log_cosignatures', []));
    database.start();
    await database.log.checkpointCovering(await last());
    await database.appendSequenced(randomUUID(), 5);
    expect((await database.log.checkpointCovering(await last())).size).toBe(8n);
    expect(a.answers).toContain(409);
  }, 60_000);

  it('refuse a log that was rolled back without a trace, which gets no quorum again', async () => {
    const [a] = await started('a');
    if (a === undefined) throw new Error('no witness');
    // The mirror is lost with the database: only the witness remembers.
    const other = await CustodyDatabase.create();
    try {
      const key = other.signingKey;
      const board = await (await witnesses.add('board', other.verifier.vkey)).start();
      const policy = `${board.line}quorum board\n`;
      other.trust(policy);
      other.start();
      await other.appendSequenced(randomUUID(), 7);
      await other.log.checkpointCovering(6n);
      database.trust(policy);
      const sequencer = database.start({ keys: key });
      await database.appendSequenced(randomUUID(), 3);
      await expect(database.log.checkpointCovering(2n, 4000)).rejects.toBeInstanceOf(WitnessesBehind);
      await database.appendSequenced(randomUUID(), 9);
      await expect(database.log.checkpointCovering(11n, 4000)).rejects.toBeInstanceOf(WitnessesBehind);
      expect(sequencer.witnesses.health[0]?.cosigned).toBe(0n);
      expect(board.answers.filter((status) => status === 422).length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  }, 90_000);

  it.each<readonly [string, (body: string) => { status: number; body: string }]>([
    ['rubbish', () => ({ status: 200, body: 'rubbish' })],
    ['nothing', () => ({ status: 200, body: '' })],
    ['more than anybody wants to read', () => ({ status: 200, body: 'x'.repeat(1_000_000) })],
    [
      'the cosignature of another tree',
      () => ({ status: 200, body: cosign(otherTree(), parseCosigner(rogueKey.skey), new Date()) }),
    ],
    [
      'the cosignature of another key',
      (body) => ({
        status: 200,
        body: cosign(noteIn(body), parseCosigner(generateWitnessKey('rogue.test/witness').skey), new Date()),
      }),
    ],
    ['another size each time', () => ({ status: 409, body: `${Math.floor(Math.random() * 3)}\n` })],
    ['a size beyond the log', () => ({ status: 409, body: '99999\n' })],
    ['a size that is none', () => ({ status: 409, body: '-1\n' })],
    ['that it is somewhere else', () => ({ status: 302, body: '' })],
    ['that it is broken', () => ({ status: 500, body: 'oops' })],
  ])(
    'that answer %s do not count, and disturb nobody',
    async (_, answer) => {
      const [a] = await started('a');
      const liar = await rogue('liar', answer);
      if (a === undefined) throw new Error('no witness');
      database.trust(policyOf('1', a, liar));
      const sequencer = database.start();
      await database.appendSequenced(randomUUID(), 3);
      const { note } = await database.log.checkpointCovering(await last());
      expect(openCheckpoint(note, [database.verifier]).size).toBe(3n);
      expect(await database.rows('SELECT witness FROM log_cosignatures WHERE witness <> $1', [a.vkey])).toEqual([]);
      expect(sequencer.frozen).toBeUndefined();
    },
    60_000,
  );

  it('may answer with lines of other keys beside their own, of which only their own is taken', async () => {
    const others = cosignedBy(generateWitnessKey('somebody.test/else'));
    const liar = await rogue('verbose', (body) => ({
      status: 200,
      body: others(body) + cosign(noteIn(body), parseCosigner(rogueKey.skey), new Date()),
    }));
    database.trust(`${liar.line}quorum verbose\n`);
    database.start();
    await database.appendSequenced(randomUUID(), 3);
    const { note } = await database.log.checkpointCovering(await last());
    expect(note.split('\n— ')).toHaveLength(3);
    expect(note).not.toContain('somebody.test');
  }, 60_000);

  const noteIn = (body: string): string => body.slice(body.indexOf('\n\n') + 2);
  const cosignedBy =
    ({ skey }: { skey: string }) =>
    (body: string): string =>
      cosign(noteIn(body), parseCosigner(skey), new Date());
  const otherTree = (): string =>
    signCheckpoint({ origin: 'x.test/log', size: 9n, root: new Uint8Array(32) }, parseSigner(generateNoteKey('x.test/log').skey));

  it('cosign under both keys while the key of the log is being changed, and under the new one after', async () => {
    const next = generateNoteKey(database.verifier.name);
    const board = await (await witnesses.add('board', database.verifier.vkey, next.vkey)).start();
    database.trust(`${board.line}quorum board\n`);
    const sizes: bigint[] = [];
    const phase = async (options: Parameters<CustodyDatabase['start']>[0], signedBy: readonly string[]): Promise<void> => {
      const sequencer = database.start(options);
      await database.appendSequenced(randomUUID(), 2);
      const { note, size } = await database.log.checkpointCovering(await last());
      for (const vkey of signedBy) expect(openCheckpoint(note, [parseVerifier(vkey)]).size).toBe(size);
      expect(note.split('\n— ')).toHaveLength(signedBy.length + 2);
      expect(addSignatureLines(note, '')).toBe(note);
      sizes.push(size);
      await database.stop(sequencer);
    };
    const old = { skey: database.signingKey, vkey: database.verifier.vkey };
    await phase({}, [old.vkey]);
    await phase({ keys: `${old.skey}\n${next.skey}` }, [old.vkey, next.vkey]);
    await phase({ keys: next.skey }, [next.vkey]);
    expect(sizes).toEqual([2n, 4n, 6n]);
  }, 90_000);

  it('are of no help to a key that signs without having been announced: the log is frozen, unless the former key is named', async () => {
    const next = generateNoteKey(database.verifier.name);
    const one = database.start();
    await database.appendSequenced(randomUUID(), 2);
    await database.checkpoint();
    await database.stop(one);
    const two = database.start({ keys: next.skey });
    expect(await database.untilFrozen(two)).toMatch(/is not ours/);
    await database.stop(two);
    await database.tamper((run) => run(`INSERT INTO log_freezes (frozen, reason) VALUES (false, 'the key was changed')`, []));
    database.start({ keys: next.skey, formerKeys: [database.verifier.vkey] });
    await database.appendSequenced(randomUUID(), 2);
    const { note } = await database.log.checkpointCovering(await last());
    expect(openCheckpoint(note, [parseVerifier(next.vkey)]).size).toBe(4n);
  }, 60_000);
});
