import { randomUUID } from 'node:crypto';

import { openCheckpoint } from '#tlog';
import { eventually } from '../support/eventually.js';
import { attack } from './attack.js';
import { AttackedLog } from './attacked-log.js';
import { TreacherousPath } from './treacherous-path.js';
import { VerifierCommand } from './verifier-command.js';

const LEADERS = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7239462 AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe('attacks with more than one sequencer', () => {
  let verifier: VerifierCommand;
  let log: AttackedLog;

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
  }, 60_000);
  beforeEach(async () => {
    log = await AttackedLog.create(verifier);
  }, 60_000);
  afterEach(() => log?.close());
  afterAll(() => verifier?.close());

  const leaders = async (): Promise<number[]> => (await log.database.rows<{ pid: number }>(LEADERS)).map(({ pid }) => pid);
  const writeAndCheck = async (writers: number, each: number): Promise<void> => {
    const before = await log.database.size();
    const subject = randomUUID();
    const written = await Promise.all(
      Array.from({ length: writers }, async () => {
        const ids: string[] = [];
        for (let i = 0; i < each; i++) ids.push(...(await log.database.append(subject)));
        return ids;
      }),
    );
    await log.database.untilNothingIsPending();
    expect(await log.database.size()).toBe(before + BigInt(writers * each));
    expect((await log.database.log.chain(subject)).map(({ id }) => id).sort()).toEqual(written.flat().sort());
    await log.database.checkpoint();
    await log.untilMirrored(await log.database.size());
  };
  /** One root for each size that was ever signed, in the database and in the mirror. */
  const expectOneHistory = async (): Promise<void> => {
    const roots = new Map<bigint, Set<string>>();
    for (const { key, versionId } of await log.store.versions(log.bucket, `${log.folder}checkpoint/`)) {
      const { stream } = await log.database.store.open({ bucket: log.bucket, key, versionId });
      const { size, root } = openCheckpoint(Buffer.concat(await stream.toArray()).toString(), [log.database.verifier]);
      roots.set(size, (roots.get(size) ?? new Set()).add(Buffer.from(root).toString('hex')));
    }
    expect([...roots.values()].filter(({ size }) => size > 1)).toEqual([]);
    await log.expectWhole();
  };

  attack('a second sequencer at once', () => {
    it('waits for the first to go, while nothing is lost, placed twice or signed twice', async () => {
      const sequencers = [log.database.start(), log.database.start()];
      await writeAndCheck(6, 15);
      expect(await leaders()).toHaveLength(1);
      expect(sequencers.map(({ frozen }) => frozen)).toEqual([undefined, undefined]);
      await expectOneHistory();
    }, 60_000);

    it('that leads all the same, because the lock keeps nobody out, is kept from a second history by the size it began from', async () => {
      await openLock();
      const sequencers = [log.database.start(), log.database.start(), log.database.start()];
      await eventually('all of them lead', async () => (await listeners()) === sequencers.length);
      await writeAndCheck(6, 15);
      expect(await leaders()).toEqual([]);
      expect(sequencers.map(({ frozen }) => frozen)).toEqual([undefined, undefined, undefined]);
      await expectOneHistory();
    }, 60_000);
  });

  attack('a leader that has lost its lock without knowing', () => {
    it('writes nothing any more when it comes back, and stands by', async () => {
      const path = await TreacherousPath.to(log.database.urls.sequencer);
      try {
        const first = log.database.start({ port: path.port });
        await log.grow(3);
        const [pid] = await eventually('it leads', async () => {
          const found = await leaders();
          return found.length > 0 && found;
        });
        path.stall();
        await log.database.rows('SELECT pg_terminate_backend($1)', [pid]);
        const second = log.database.start();
        await writeAndCheck(2, 5);
        const [successor] = await leaders();
        expect(successor).not.toBe(pid);
        path.goOn();
        await writeAndCheck(2, 5);
        expect(await leaders()).toEqual([successor]);
        expect([first.frozen, second.frozen]).toEqual([undefined, undefined]);
        await expectOneHistory();
      } finally {
        path.goOn();
        await path.close();
      }
    }, 60_000);
  });

  /** As superuser: whoever asks for an advisory lock of one key is told that it has it. */
  const openLock = async (): Promise<void> => {
    await log.database.rows('CREATE SCHEMA burglar');
    await log.database.rows(`CREATE FUNCTION burglar.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true'`);
    await log.database.rows('GRANT USAGE ON SCHEMA burglar TO custodiet_sequencer');
    const [row] = await log.database.rows<{ name: string }>('SELECT quote_ident(current_database()) AS name');
    await log.database.rows(
      `ALTER ROLE custodiet_sequencer IN DATABASE ${row?.name ?? ''} SET search_path = burglar, pg_catalog, public`,
    );
  };
  /** Connections in which a sequencer leads: it asks for its lock, and then again before it sleeps. */
  const listeners = async (): Promise<number> => {
    const [row] = await log.database.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND usename = 'custodiet_sequencer'
       AND (query LIKE '%pg_advisory_unlock%' OR query LIKE '%custody_pending%' OR query IN ('BEGIN', 'COMMIT'))`,
    );
    return row?.n ?? 0;
  };
});
