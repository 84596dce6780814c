import { randomUUID } from 'node:crypto';
import { headsDigest, headsMap } from '#tlog';
import type { Attribution } from '#custody';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };

describe('fsck of the maps of heads', () => {
  let database: CustodyDatabase;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
    database.start();
  }, 60_000);
  afterEach(() => database.close());

  /** Straight from the rows. */
  const digestAt = async (size: number): Promise<string> => {
    const rows = await database.rows<{ subject: string; seq: string; index: string; leaf_hash: Buffer }>(
      `SELECT DISTINCT ON (subject) subject, seq, index, leaf_hash FROM custody_entries WHERE index < $1
       ORDER BY subject, index DESC`,
      [size],
    );
    const heads = rows.map(({ subject, seq, index, leaf_hash }) => {
      return { subject, seq: Number(seq), index, head: leaf_hash.toString('base64') };
    });
    return headsDigest(headsMap(BigInt(size), heads));
  };
  const logMap = async (size: string, sha256: string): Promise<void> => {
    const event = { type: 'log.heads', size, sha256 } as const;
    await database.log.sequenced(await database.unitOfWork.run((tx) => database.custody.append(tx, logId, event, BY)));
  };
  const logId = randomUUID();
  const grow = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await database.appendSequenced(randomUUID(), 2);
  };

  it('makes the newest of them again, however far behind the log they are', async () => {
    await grow();
    await logMap('6', await digestAt(6)); // entry 6
    await grow();
    await logMap('7', await digestAt(7)); // entry 13
    await logMap('0', await digestAt(0)); // entry 14
    await logMap('15', await digestAt(15)); // entry 15
    expect(await database.fsck()).toMatchObject({ ok: true, heads: { checked: 4, logged: 4 } });
    expect(await database.fsck({ heads: 1 })).toMatchObject({ ok: true, heads: { checked: 1, logged: 4 } });
    expect(await database.fsck({ heads: 0 })).toMatchObject({ ok: true, heads: { checked: 0, logged: 4 } });
  }, 60_000);

  it('finds a map that leaves out the end of a chain, unless only newer ones are made again', async () => {
    await grow();
    await logMap('6', await digestAt(5));
    await logMap('7', await digestAt(7));
    const what = 'its map of heads is not that of the entries before it';
    expect((await database.fsck({ heads: 'all' })).findings).toEqual([{ where: 'entry 6', what }]);
    expect((await database.fsck({ heads: 1 })).findings).toEqual([]);
  }, 60_000);

  it('finds a map of no size, or of entries that came later', async () => {
    await grow();
    await logMap('many', await digestAt(6));
    await logMap('8', await digestAt(7));
    const what = 'it maps the heads of no size that it can know';
    expect((await database.fsck()).findings).toEqual(
      expect.arrayContaining([
        { where: 'entry 6', what },
        { where: 'entry 7', what },
      ]),
    );
  }, 60_000);
});
