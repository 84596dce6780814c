import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Tx } from '#platform';
import { decodeHeader, leafHash, openCheckpoint, parseProof, payloadCommitment, verifyInclusion } from '#tlog';
import type { Attribution } from './catalogue.js';
import { LogBehind, payloadOf, type LoggedEntry } from './custody-log.service.js';
import { Erasure, ErasureRefused, NothingToErase, type ErasedPayloads } from './erasure.service.js';
import type { Sequencer } from './sequencer.js';
import { CustodyDatabase } from './testing/custody-database.js';

const BY: Attribution = { kind: 'person', id: randomUUID(), name: 'Grace Hopper', roles: ['custodian'] };
const REASON = 'Order 12 of the district court';

describe('erasing what the log holds in private about a subject', () => {
  let database: CustodyDatabase;
  let erasure: Erasure;
  let sequencer: Sequencer;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    erasure = new Erasure(database.custody);
    sequencer = database.start();
  }, 60_000);

  afterAll(() => database.close());

  const erase = (subject: string): Promise<ErasedPayloads> =>
    database.unitOfWork.run((tx) => erasure.erase(tx, subject, REASON, BY));
  const eraseSequenced = async (subject: string): Promise<ErasedPayloads> => {
    const erased = await erase(subject);
    await database.log.sequenced(erased.erasure);
    return erased;
  };
  const payloadsAbout = async (...ids: readonly string[]): Promise<string[]> =>
    (await database.rows<{ entry: string }>('SELECT entry FROM custody_payloads WHERE entry = ANY($1)', [ids])).map(
      ({ entry }) => entry,
    );
  const withoutSequencer = async (work: () => Promise<unknown>): Promise<void> => {
    await database.stop(sequencer);
    try {
      await work();
    } finally {
      sequencer = database.start();
    }
  };
  /** Every row of every table that holds the text, as text or as bytes. */
  const rowsWith = async (text: string): Promise<string[]> => {
    const tables = await database.rows<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await database.rows(`SELECT FROM ${name} AS t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0`, [
        text,
        Buffer.from(text).toString('hex'),
      ]);
      if (rows.length > 0) found.push(name);
    }
    return found;
  };
  /** The law: a payload that is gone is named by a later entry of the chain whose own payload is there. */
  const unexplained = (chain: readonly LoggedEntry[]): LoggedEntry[] =>
    chain.filter(
      ({ id, payload }, i) =>
        payload === null &&
        !chain.slice(i + 1).some((later) => {
          const named = later.type === 'payload.erased' ? payloadOf(later)?.event['entries'] : undefined;
          return Array.isArray(named) && named.includes(id);
        }),
    );

  it('destroys every payload, says so in an entry of the chain, and leaves the proofs as they are', async () => {
    const subject = randomUUID();
    const ids = await database.appendSequenced(subject, 3);
    const before = await database.log.chain(subject);
    const erased = await eraseSequenced(subject);
    expect(erased.entries).toEqual(ids);
    const chain = await database.log.chain(subject);
    expect(chain.map(({ salt, payload }) => [salt === null, payload === null])).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect(chain.slice(0, 3).map(({ header, leaf }) => [header, leaf])).toEqual(before.map(({ header, leaf }) => [header, leaf]));
    const last = chain[3] as LoggedEntry;
    expect(last).toMatchObject({ id: erased.erasure, type: 'payload.erased', actor: BY.id });
    expect(payloadOf(last)).toEqual({ who: BY, event: { entries: ids, reason: REASON } });
    const { pc } = decodeHeader(Buffer.from(last.header));
    expect(Buffer.from(payloadCommitment(last.salt ?? Buffer.alloc(0), last.payload ?? '')).toString('base64')).toBe(pc);
    for (const entry of chain) {
      const { index, hashes, checkpoint } = parseProof(await database.log.proofOf(entry));
      const { size, root } = openCheckpoint(checkpoint, [database.verifier]);
      verifyInclusion({ index, size, leaf: leafHash(Buffer.from(entry.header)), proof: hashes, root });
    }
    expect(await database.fsck()).toMatchObject({ ok: true });
  });

  it('leaves nothing of the payloads in any table, and the same subject’s public headers in theirs', async () => {
    const [subject, marker] = [randomUUID(), `secret-${randomUUID()}`];
    const id = await database.unitOfWork.run((tx) => database.appendIn(tx, subject, marker));
    await database.log.sequenced(id);
    expect(await rowsWith(marker)).toEqual(['custody_payloads']);
    const [row] = await database.rows<{ salt: Buffer }>('SELECT salt FROM custody_payloads WHERE entry = $1', [id]);
    await eraseSequenced(subject);
    expect(await rowsWith(marker)).toEqual([]);
    expect(await rowsWith((row?.salt ?? Buffer.alloc(32)).toString('hex'))).toEqual([]);
    expect(await rowsWith(subject)).toContain('custody_entries');
  });

  it('leaves other subjects alone', async () => {
    const [subject, other] = [randomUUID(), randomUUID()];
    await database.append(subject);
    const [kept = ''] = await database.appendSequenced(other);
    await eraseSequenced(subject);
    expect(await payloadsAbout(kept)).toEqual([kept]);
    expect((await database.log.chain(other)).map(({ type }) => type)).toEqual(['signed-out']);
  });

  it('destroys payloads of entries that still wait for their place, and places them before the entry that says so', async () => {
    const subject = randomUUID();
    const placed = await database.appendSequenced(subject, 2);
    let erased: ErasedPayloads | undefined;
    await withoutSequencer(async () => {
      const pending = await database.append(subject, 2);
      erased = await erase(subject);
      expect(erased.entries).toEqual([...placed, ...pending]);
      await expect(database.log.chain(subject, 1)).rejects.toThrow(LogBehind);
    });
    const chain = await database.log.chain(subject);
    expect(chain.map(({ id }) => id)).toEqual([...(erased?.entries ?? []), erased?.erasure]);
    expect(unexplained(chain)).toEqual([]);
  });

  it('erases what the same transaction appended before, and keeps what it appends after', async () => {
    const subject = randomUUID();
    const [before, after, erased] = await database.unitOfWork.run(async (tx) => {
      const first = await database.appendIn(tx, subject);
      const result = await erasure.erase(tx, subject, REASON, BY);
      return [first, await database.appendIn(tx, subject), result] as const;
    });
    expect(erased.entries).toEqual([before]);
    expect(await payloadsAbout(before, after)).toEqual([after]);
  });

  it('refuses when there is nothing to erase, and puts nothing on record', async () => {
    const subject = randomUUID();
    await expect(erase(subject)).rejects.toThrow(NothingToErase);
    await database.appendSequenced(subject);
    await eraseSequenced(subject);
    await expect(erase(subject)).rejects.toThrow(NothingToErase);
    expect(await database.log.chain(subject)).toHaveLength(2);
    expect(await database.rows('SELECT FROM custody_pending WHERE subject = $1', [subject])).toEqual([]);
  });

  it('erases only what has come since when it is asked a second time, and never an entry that names what was erased', async () => {
    const subject = randomUUID();
    await database.append(subject, 2);
    const first = await erase(subject);
    const since = await database.append(subject);
    const second = await eraseSequenced(subject);
    expect(second.entries).toEqual(since);
    expect(await payloadsAbout(first.erasure, second.erasure)).toHaveLength(2);
    expect(unexplained(await database.log.chain(subject))).toEqual([]);
  });

  it('destroys nothing when the transaction that it is part of fails', async () => {
    const subject = randomUUID();
    const [id = ''] = await database.appendSequenced(subject);
    const failing = database.unitOfWork.run(async (tx) => {
      await erasure.erase(tx, subject, REASON, BY);
      throw new Error('the disposition failed');
    });
    await expect(failing).rejects.toThrow('the disposition failed');
    expect(await payloadsAbout(id)).toEqual([id]);
    expect((await database.log.chain(subject)).map(({ type }) => type)).toEqual(['signed-out']);
  });

  it('keeps what another transaction is appending at the same moment', async () => {
    const subject = randomUUID();
    await database.append(subject);
    const [appended, mayEnd] = [Promise.withResolvers<string>(), Promise.withResolvers<undefined>()];
    const appending = database.unitOfWork.run(async (tx: Tx) => {
      appended.resolve(await database.appendIn(tx, subject));
      await mayEnd.promise;
    });
    const late = await appended.promise;
    const erased = await erase(subject);
    mayEnd.resolve(undefined);
    await appending;
    await database.log.sequenced(late);
    expect(erased.entries).not.toContain(late);
    expect(await payloadsAbout(late)).toEqual([late]);
    expect(unexplained(await database.log.chain(subject))).toEqual([]);
  });

  it('lets one of several erasures of the same subject win, and tells the others that there is nothing left', async () => {
    const subject = randomUUID();
    const ids = await database.append(subject, 20);
    const outcomes = await Promise.allSettled([erase(subject), erase(subject), erase(subject), erase(subject)]);
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(won.map(({ entries }) => entries)).toEqual([ids]);
    expect(lost).toHaveLength(3);
    for (const error of lost) expect(error).toBeInstanceOf(NothingToErase);
  });

  it('erases two subjects in opposite orders without losing either', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await database.append(one);
    await database.append(two);
    const both = (first: string, second: string): Promise<unknown> =>
      database.unitOfWork.run(async (tx) => {
        await erasure.erase(tx, first, REASON, BY);
        await erasure.erase(tx, second, REASON, BY);
      });
    const outcomes = await Promise.allSettled([both(one, two), both(two, one)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NothingToErase);
  });

  it('never leaves a payload gone that no later entry names, however appends and erasures mix', async () => {
    const subjects = [randomUUID(), randomUUID()];
    const some = (i: number): string => subjects[i % 2] ?? '';
    const appending = Array.from({ length: 6 }, async (_, writer) => {
      for (let i = 0; i < 25; i++) await database.append(some(writer + i));
    });
    const erasing = Array.from({ length: 4 }, async (_, eraser) => {
      for (let i = 0; i < 8; i++)
        await erase(some(eraser + i)).catch((error: unknown) => {
          if (!(error instanceof NothingToErase)) throw error;
        });
    });
    const reading = subjects.map(async (subject) => {
      for (let i = 0; i < 20; i++) expect(unexplained(await database.log.chain(subject))).toEqual([]);
    });
    await Promise.all([...appending, ...erasing, ...reading]);
    await database.untilNothingIsPending();
    const chains = await Promise.all(subjects.map((subject) => database.log.chain(subject)));
    expect(chains.flatMap(unexplained)).toEqual([]);
    expect(chains.flat().filter(({ payload }) => payload === null).length).toBeGreaterThan(0);
    expect(await database.fsck()).toMatchObject({ ok: true });
  }, 60_000);

  it('erases a chain of ten thousand entries in one entry', async () => {
    const subject = randomUUID();
    await database.unitOfWork.run(async (tx) => {
      for (let i = 0; i < 10_000; i++) await database.appendIn(tx, subject);
    });
    await database.untilNothingIsPending();
    const { entries } = await eraseSequenced(subject);
    expect(entries).toHaveLength(10_000);
    const chain = await database.log.chain(subject);
    expect(chain.map(({ payload }) => payload === null)).toEqual([...entries.map(() => true), false]);
    expect(chain.at(-1)?.header.length).toBeLessThan(1000);
  }, 120_000);

  it('leaves not even a trace in the table’s file once its owner has rewritten it', async () => {
    const [subject, marker] = [randomUUID(), `secret-${randomUUID()}`];
    await database.unitOfWork.run((tx) => database.appendIn(tx, subject, marker));
    const inFile = async (): Promise<boolean> => {
      await database.rows('CHECKPOINT');
      const [row] = await database.rows<{ there: boolean }>(
        `SELECT position(convert_to($1, 'UTF8') IN pg_read_binary_file(pg_relation_filepath('custody_payloads'))) > 0 AS there`,
        [marker],
      );
      return row?.there ?? false;
    };
    expect(await inFile()).toBe(true);
    await eraseSequenced(subject);
    const owner = new Client({ connectionString: database.urls.owner });
    await owner.connect();
    try {
      // It keeps what a snapshot that is still open somewhere can see.
      for (let tries = 0; tries < 50 && (await inFile()); tries++) await owner.query('VACUUM FULL custody_payloads');
    } finally {
      await owner.end();
    }
    expect(await inFile()).toBe(false);
  }, 60_000);

  it('has autovacuum come for a single deleted row, in the table and in what it keeps beside it for long payloads', async () => {
    const settings = await database.rows<{ reloptions: readonly string[] }>(
      `SELECT reloptions FROM pg_class WHERE oid = 'custody_payloads'::regclass
       OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'custody_payloads'::regclass)`,
    );
    const wanted = ['autovacuum_vacuum_scale_factor=0', 'autovacuum_vacuum_threshold=0'];
    expect(settings.map(({ reloptions }) => reloptions.toSorted())).toEqual([wanted, wanted]);
  });

  it('is refused while the log is frozen, and goes on when the freeze is lifted', async () => {
    const subject = randomUUID();
    const [id = ''] = await database.append(subject);
    await database.rows(`INSERT INTO log_freezes (frozen, reason) VALUES (true, 'a drill')`);
    try {
      await expect(erase(subject)).rejects.toThrow(ErasureRefused);
      expect(await payloadsAbout(id)).toEqual([id]);
    } finally {
      await database.rows(`INSERT INTO log_freezes (frozen, reason) VALUES (false, 'the drill is over')`);
    }
    expect((await eraseSequenced(subject)).entries).toEqual([id]);
  });
});
