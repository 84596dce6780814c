import { randomUUID } from 'node:crypto';
import { eventually } from '../../../test/support/eventually.js';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';
import { fsck, type FsckReport } from './fsck.js';
import { DatabaseUnreadable, openSnapshot } from './snapshot.js';
import { StoreAdministrator } from './testing/store-administrator.js';

describe('fsck of a deployment that runs', () => {
  let database: CustodyDatabase;
  let store: StoreAdministrator;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    store = new StoreAdministrator(database.config);
    database.start();
    await database.appendSequenced(randomUUID());
    await database.checkpoint();
    const mirrored = async (): Promise<boolean> => (await store.versions(database.config.S3_LOG_BUCKET, '')).length > 1;
    await eventually('the first checkpoint and its tile are mirrored', mirrored);
  }, 60_000);
  afterAll(async () => {
    store.close();
    await database.close();
  });

  const look = async (): Promise<FsckReport> => {
    const { client, sizeNow, close } = await openSnapshot(database.urls.app);
    try {
      const mirror = { store: store.objects, bucket: database.config.S3_LOG_BUCKET };
      return await fsck(client, { logKeys: [database.verifier], mirror, sizeNow });
    } finally {
      await close();
    }
  };

  it('finds nothing, although entries, checkpoints and mirrored tiles come while it reads', async () => {
    let writing = true;
    const writer = async (): Promise<void> => {
      const subject = randomUUID();
      while (writing) {
        await database.appendSequenced(subject, 5);
        await database.checkpoint();
      }
    };
    const writers = Promise.all([writer(), writer()]);
    try {
      const sizes = new Set<bigint>();
      await eventually('it was looked at in five sizes', async () => {
        const { findings, entries } = await look();
        expect(findings).toEqual([]);
        return sizes.add(entries).size >= 5;
      });
    } finally {
      writing = false;
      await writers;
    }
  }, 60_000);

  it('ends with an error when its connection is cut, and when it can connect to nothing', async () => {
    const { client, close } = await openSnapshot(database.urls.app);
    const [row] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
    await database.rows('SELECT pg_terminate_backend($1)', [row?.pid]);
    await expect(fsck(client, { logKeys: [database.verifier] })).rejects.toThrow();
    await close();
    await expect(openSnapshot('postgres://nobody:secret@127.0.0.1:9/x')).rejects.toThrow(DatabaseUnreadable);
    const unknown = Object.assign(new URL(database.urls.app), { pathname: '/no_such_database' }).href;
    await expect(openSnapshot(unknown)).rejects.toThrow(/no_such_database/);
  });

  it('changes nothing: its transaction may only read', async () => {
    const { client, close } = await openSnapshot(database.urls.owner);
    await expect(client.query('CREATE TABLE t ()')).rejects.toThrow(/read-only/);
    await close();
  });

  it('tells the keys that the database names', async () => {
    const { storedKeys, close } = await openSnapshot(database.urls.app);
    expect(await storedKeys()).toEqual([database.verifier.vkey]);
    await close();
  });
});
