import { createHash, randomUUID } from 'node:crypto';
import type { Attribution, EventOf } from '#custody';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';
import type { FsckReport } from './fsck.js';
import type { OriginalsDepth } from './originals-check.js';
import { StoreAdministrator } from './testing/store-administrator.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };
const FILE = Buffer.from('the video');

describe('fsck of originals', () => {
  let database: CustodyDatabase;
  let store: StoreAdministrator;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    store = new StoreAdministrator(database.config);
    await database.store.ensureBucket(bucket(), { mode: 'GOVERNANCE', days: 1 });
    database.start();
  }, 60_000);
  afterAll(async () => {
    store.close();
    await database.close();
  });

  const bucket = (): string => database.config.S3_EVIDENCE_BUCKET;
  const inHours = (hours: number): Date => new Date(Date.now() + hours * 3_600_000);

  /** Stores a file and seals it, as the worker does. `but`: what its entry says otherwise. */
  const sealed = async (
    but: Partial<EventOf<'recording.sealed'>> = {},
  ): Promise<{ where: string; key: string; versionId: string; name: string; id: string }> => {
    const key = `recordings/${randomUUID()}`;
    const version = await database.store.put(bucket(), key, FILE, 'video/mp4');
    const retainUntil = inHours(48);
    await database.store.retainUntil(version, retainUntil, 'GOVERNANCE');
    const event: EventOf<'recording.sealed'> = {
      type: 'recording.sealed',
      ...{ size: FILE.length, bucket: bucket(), key, versionId: version.versionId, method: 'dock-key', parent: null },
      retainUntil: retainUntil.toISOString(),
      sha256: createHash('sha256').update(FILE).digest('hex'),
      ...but,
    };
    const id = await database.unitOfWork.run((tx) => database.custody.append(tx, randomUUID(), event, BY));
    const { index } = await database.log.sequenced(id);
    return { where: `entry ${index}`, key, versionId: version.versionId, name: `its original ${bucket()}/${key}`, id };
  };
  const look = (depth: OriginalsDepth = 'head'): Promise<FsckReport> =>
    database.fsck({ originals: { store: store.objects, depth } });
  const whatOf = async (where: string, depth?: OriginalsDepth): Promise<string[]> =>
    (await look(depth)).findings.filter((finding) => finding.where === where).map(({ what }) => what);

  it('finds nothing wrong with one that is as it was sealed', async () => {
    const { where } = await sealed();
    expect(await whatOf(where)).toEqual([]);
    expect(await whatOf(where, 'hash')).toEqual([]);
    expect((await look('hash')).originals).toEqual({ checked: 1, depth: 'hash' });
  });

  it('finds one that was deleted for good, or that is in no such bucket', async () => {
    const { where, key, versionId, name } = await sealed();
    await store.delete(bucket(), key, versionId);
    const gone = 'is not in the store in the version that was sealed';
    expect(await whatOf(where)).toEqual([`${name} ${gone}`]);
    const lost = await sealed({ bucket: 'custodiet-test-no-such-bucket' });
    expect(await whatOf(lost.where)).toEqual([`its original custodiet-test-no-such-bucket/${lost.key} ${gone}`]);
  });

  it('finds a delete marker, or a newer version, over one', async () => {
    const hidden = await sealed();
    await store.delete(bucket(), hidden.key);
    expect(await whatOf(hidden.where)).toEqual([`${hidden.name} has a delete marker over it`]);
    const covered = await sealed();
    await store.put(bucket(), covered.key, FILE);
    expect(await whatOf(covered.where)).toEqual([`${covered.name} has a newer version over it`]);
  });

  it('finds one of another size', async () => {
    const { where, name } = await sealed({ size: 8 });
    expect(await whatOf(where)).toEqual([`${name} has 9 bytes, sealed were 8`]);
  });

  it('finds other bytes of the same size only when it reads them', async () => {
    const { where, name } = await sealed({ sha256: createHash('sha256').update('The video').digest('hex') });
    expect(await whatOf(where)).toEqual([]);
    expect(await whatOf(where, 'hash')).toEqual([`${name} is not the file that was sealed`]);
  });

  it('finds a lock that ends too soon, unless its time is over anyway', async () => {
    const { where, name } = await sealed({ retainUntil: inHours(72).toISOString() });
    expect(await whatOf(where)).toEqual([expect.stringContaining(`${name} is locked until `)]);
    expect(await whatOf((await sealed({ retainUntil: inHours(-1).toISOString() })).where)).toEqual([]);
  });

  it('finds an entry that does not say where its original is', async () => {
    const { where } = await sealed({ retainUntil: 'for ever' });
    expect(await whatOf(where)).toEqual(['it does not say where its original is']);
  });

  it('does not look for the original of an entry whose payload is gone', async () => {
    const { id, where } = await sealed();
    const { checked } = (await look()).originals ?? {};
    const report = await database.fsckAfter((run) => run('DELETE FROM custody_payloads WHERE entry = $1', [id]), {
      originals: { store: store.objects, depth: 'head' },
    });
    expect(report.originals?.checked).toBe((checked ?? 0) - 1);
    expect(report.findings).toContainEqual({ where, what: 'its payload is missing' });
  });
});
