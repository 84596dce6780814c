import { createHash, randomUUID } from 'node:crypto';
import { generateNoteKey, parseSigner, signCheckpoint, TILE_WIDTH } from '#tlog';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';
import { eventually } from '../../../test/support/eventually.js';
import type { FsckReport } from './fsck.js';
import { StoreUnreadable } from './stored-objects.js';
import { StoreAdministrator } from './testing/store-administrator.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const digits = (size: number): string => String(size).padStart(20, '0');
const SIZE = 300;

/** Three entries with a checkpoint, then 300 with another: each test has such a log of its own, because a bucket is not rolled back. */
describe('fsck of the mirror', () => {
  let database: CustodyDatabase;
  let store: StoreAdministrator;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
    store = new StoreAdministrator(database.config);
    const sequencer = database.start();
    await grow(3);
    await grow(SIZE - 3);
    await database.stop(sequencer);
  }, 60_000);
  afterEach(async () => {
    store.close();
    await database.close();
  });

  const bucket = (): string => database.config.S3_LOG_BUCKET;
  const folder = (): string => `${encodeURIComponent(database.verifier.name)}/`;
  const names = async (prefix = ''): Promise<string[]> =>
    (await store.versions(bucket(), `${folder()}${prefix}`)).map(({ key }) => key.slice(folder().length));
  const nameOf = async (prefix: string): Promise<string> => {
    const [name] = await names(prefix);
    if (name === undefined) throw new Error(`the mirror has no ${prefix}`);
    return name;
  };
  const grow = async (count: number): Promise<void> => {
    const last = await database.unitOfWork.run(async (tx) => {
      for (let i = 1; i < count; i++) await database.appendIn(tx, randomUUID());
      return database.appendIn(tx, randomUUID());
    });
    await database.log.sequenced(last);
    await database.checkpoint();
    const prefix = `checkpoint/${digits(Number(await database.size()))}-`;
    await eventually('the checkpoint is mirrored', async () => (await names(prefix)).length > 0);
  };
  const look = (sizeNow?: () => Promise<bigint>): Promise<FsckReport> =>
    database.fsck({ mirror: { store: store.objects, bucket: bucket() }, ...(sizeNow ? { sizeNow } : {}) });
  const putNote = async (size: number, note: string): Promise<string> => {
    const name = `checkpoint/${digits(size)}-${sha256(Buffer.from(note))}`;
    await store.put(bucket(), `${folder()}${name}`, Buffer.from(note));
    return name;
  };
  const signed = (size: number, root: Uint8Array = new Uint8Array(32)): string =>
    signCheckpoint({ origin: database.verifier.name, size: BigInt(size), root }, parseSigner(database.signingKey));

  it('finds nothing in one that is whole, and says what is in it', async () => {
    const { ok, findings, mirror } = await look();
    expect({ ok, findings }).toEqual({ ok: true, findings: [] });
    expect(mirror).toMatchObject({ newest: BigInt(SIZE), again: 0 });
    expect(mirror?.checkpoints).toBeGreaterThanOrEqual(2);
    expect(mirror?.tiles).toBe((await names('tile/')).length);
  });

  it('finds rows that were changed together with everything in the database, by the root and the tile that were mirrored', async () => {
    await database.tamper((run) => run(`UPDATE custody_entries SET header = header || ' ' WHERE index = 137`, []));
    const { findings, first } = await look();
    const places = findings.map(({ where }) => where);
    expect(places).toContain(`mirror ${await nameOf(`checkpoint/${digits(SIZE)}`)}`);
    expect(places).not.toContain(`mirror ${await nameOf(`checkpoint/${digits(3)}`)}`);
    expect(findings).toContainEqual({
      where: `mirror ${await nameOf('tile/0/000/')}`,
      what: 'differs from the entries, first at entry 137',
    });
    expect(first?.where).toBe('entry 137');
  });

  it('finds a log that was rolled back, and not one that only grew since its snapshot was taken', async () => {
    const note = signed(SIZE + 7);
    const name = await putNote(SIZE + 7, note);
    const what = `it speaks of ${SIZE + 7} entries, but only ${SIZE} are there: the log was rolled back`;
    expect((await look()).findings).toEqual([{ where: `mirror ${name}`, what }]);
    expect((await look(() => Promise.resolve(BigInt(SIZE + 7)))).findings).toEqual([]);
    const tile = Buffer.alloc(32 * 60);
    const tileName = `tile/0/001.p/60/${sha256(tile)}`;
    await store.put(bucket(), `${folder()}${tileName}`, tile);
    expect((await look()).findings.map(({ where }) => where)).toEqual([`mirror ${name}`, `mirror ${tileName}`]);
  });

  it('finds a checkpoint of another tree, of another key, of another size, or under no name of one', async () => {
    const { skey } = generateNoteKey(database.verifier.name);
    const forged = signCheckpoint({ origin: database.verifier.name, size: 5n, root: new Uint8Array(32) }, parseSigner(skey));
    const expected = [
      [await putNote(4, signed(4)), 'the first 4 entries do not have the root that was mirrored'],
      [await putNote(5, forged), expect.stringMatching(/^it is not a checkpoint of this log/)],
      [await putNote(6, signed(7)), 'it was signed for another log or size'],
      [await putNote(SIZE + 1, forged), expect.stringMatching(/^it is not a checkpoint of this log/)],
    ];
    await store.put(bucket(), `${folder()}checkpoint/x`, Buffer.from('x'));
    const { findings } = await look();
    expect(findings).toEqual(
      expect.arrayContaining([
        ...expected.map(([name, what]) => ({ where: `mirror ${String(name)}`, what })),
        { where: 'mirror checkpoint/x', what: 'is no name of a checkpoint' },
      ]),
    );
    expect(findings).toHaveLength(5);
  });

  it('finds a newer version with other bytes, but not one with the same', async () => {
    const [checkpoint, tile] = [await nameOf(`checkpoint/${digits(3)}`), await nameOf('tile/0/000/')];
    const [row] = await database.rows<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = 0 AND index = 0');
    await store.put(bucket(), `${folder()}${tile}`, row?.hashes ?? Buffer.alloc(0));
    const harmless = await look();
    expect(harmless).toMatchObject({ ok: true, mirror: { again: 1 } });
    const versions: string[] = [];
    for (const name of [checkpoint, tile]) versions.push(await store.put(bucket(), `${folder()}${name}`, Buffer.from('other')));
    expect((await look()).findings).toEqual([
      { where: `mirror ${checkpoint}`, what: `its version ${versions[0]} is not what was written there` },
      { where: `mirror ${tile}`, what: `its version ${versions[1]} is not what was written there` },
    ]);
  });

  it('finds delete markers, also where nothing is left beneath', async () => {
    const [checkpoint, tile] = [await nameOf(`checkpoint/${digits(3)}`), await nameOf('tile/0/001.p/')];
    for (const name of [checkpoint, tile]) await store.delete(bucket(), `${folder()}${name}`);
    const over = 'there is a delete marker over it';
    expect((await look()).findings).toEqual([
      { where: `mirror ${checkpoint}`, what: over },
      { where: `mirror ${tile}`, what: over },
    ]);
    for (const { key, versionId } of await store.versions(bucket(), `${folder()}${tile}`))
      await store.delete(bucket(), key, versionId);
    expect((await look()).findings).toContainEqual({
      where: `mirror ${tile}`,
      what: 'no version of it holds what was written there',
    });
  });

  it('finds that a tile which the newest checkpoint needs was deleted, full or not', async () => {
    const gone = [
      await nameOf('tile/0/000/'),
      await nameOf(`tile/0/001.p/${SIZE - TILE_WIDTH}/`),
      await nameOf('tile/1/000.p/1/'),
    ];
    for (const name of gone)
      for (const { key, versionId } of await store.versions(bucket(), `${folder()}${name}`))
        await store.delete(bucket(), key, versionId);
    expect((await look()).findings).toEqual([
      { where: 'mirror tile/0/000', what: 'is missing' },
      { where: `mirror tile/0/001.p/${SIZE - TILE_WIDTH}`, what: 'is missing' },
      { where: 'mirror tile/1/000.p/1', what: 'is missing' },
    ]);
  });

  it('finds a tile that the rows do not give, and names that are none', async () => {
    const tile = Buffer.alloc(32 * 2, 7);
    const name = `tile/0/000.p/2/${sha256(tile)}`;
    await store.put(bucket(), `${folder()}${name}`, tile);
    for (const junk of ['tile/0/0', `tile/0/x000/000/${'0'.repeat(64)}`, `tile/0/000.p/256/${'0'.repeat(64)}`])
      await store.put(bucket(), `${folder()}${junk}`, tile);
    const { findings, first } = await look();
    expect(first).toEqual({ where: `mirror ${name}`, what: 'differs from the entries, first at entry 0' });
    expect(findings.filter(({ what }) => what === 'is no name of a tile')).toHaveLength(3);
    expect(findings).toHaveLength(4);
  });

  it('holds the mirror against the rows also where the tiles of the database were altered', async () => {
    await database.tamper((run) => run('UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1', []));
    expect((await look()).findings).toEqual([{ where: 'tile 1/0', what: 'differs from the entries, first at its hash 0' }]);
  });

  it('finds a version that is not locked', async () => {
    await store.lockNothing(bucket());
    const name = await putNote(3, signed(3));
    expect((await look()).findings).toContainEqual({
      where: `mirror ${name}`,
      what: expect.stringMatching(/^its version .* is not locked$/),
    });
  });

  it('finds one that is empty, and says when it cannot be read', async () => {
    for (const { key, versionId } of await store.versions(bucket(), folder())) await store.delete(bucket(), key, versionId);
    expect((await look()).findings).toEqual([{ where: 'mirror', what: 'there is no checkpoint of this log in it' }]);
    const nowhere = database.fsck({ mirror: { store: store.objects, bucket: 'custodiet-test-no-such-bucket' } });
    await expect(nowhere).rejects.toBeInstanceOf(StoreUnreadable);
  });
});
