import { createHash, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { tilePath } from '#tlog';
import { eventually } from '../../../test/support/eventually.js';
import { LogBehind } from './custody-log.service.js';
import { ReleaseRefused } from './release-refused.js';
import { CustodyDatabase } from './testing/custody-database.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the mirror of the log', () => {
  let database: CustodyDatabase;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
  }, 60_000);
  afterEach(() => database.close());

  const bucket = (): string => database.config.S3_LOG_BUCKET;
  const folder = (): string => encodeURIComponent(database.verifier.name);
  const mirrored = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of database.store.listVersions(bucket(), `${folder()}/`)) keys.push(key.slice(folder().length + 1));
    return keys;
  };
  const digits = (size: number): string => String(size).padStart(20, '0');
  const untilMirrored = (size: number): Promise<unknown> =>
    eventually(`the checkpoint of ${size} entries is mirrored`, async () =>
      (await mirrored()).some((key) => key.startsWith(`checkpoint/${digits(size)}-`)),
    );
  const grow = async (count: number): Promise<void> => {
    const last = await database.unitOfWork.run(async (tx) => {
      for (let i = 1; i < count; i++) await database.appendIn(tx, randomUUID());
      return database.appendIn(tx, randomUUID());
    });
    await database.log.sequenced(last);
    await database.checkpoint();
    await untilMirrored(Number(await database.size()));
  };
  const opened = async (): Promise<void> => {
    const event = {
      type: 'viewing.opened',
      viewing: randomUUID(),
      grant: randomUUID(),
      purpose: 'review',
      caseNumber: '1',
    } as const;
    const by = { kind: 'system', id: null, name: 'test' } as const;
    await database.unitOfWork.run((tx) => database.custody.append(tx, randomUUID(), event, by));
  };

  it('holds each checkpoint and every tile that it needs, under the digests of what they are, locked', async () => {
    database.start();
    await grow(3);
    await grow(300);
    const keys = await mirrored();
    const tiles = await database.rows<{ level: number; index: string; hashes: Buffer }>(
      'SELECT level, index, hashes FROM log_tiles',
    );
    for (const { level, index, hashes } of tiles)
      expect(keys).toContain(`${tilePath(level, BigInt(index), hashes.length / 32)}/${sha256(hashes)}`);
    const checkpoints = await database.rows<{ size: string; note: string }>(
      'SELECT size, note FROM log_checkpoints WHERE size IN (3, 303)',
    );
    expect(checkpoints).toHaveLength(2);
    for (const { size, note } of checkpoints) {
      const key = `checkpoint/${digits(Number(size))}-${sha256(Buffer.from(note))}`;
      expect(keys.filter((each) => each === key)).toHaveLength(1);
      for await (const version of database.store.listVersions(bucket(), `${folder()}/${key}`)) {
        expect((await buffer((await database.store.open(version)).stream)).toString()).toBe(note);
        const { mode, until } = (await database.store.retention(version)) ?? {};
        expect(mode).toBe('GOVERNANCE');
        expect((until?.getTime() ?? 0) - Date.now()).toBeGreaterThan((database.config.LOG_LOCK_DAYS - 1) * 86_400_000);
      }
    }
  }, 60_000);

  /** Three entries as they were, with checkpoints and all, as a backup of that time would bring them back. */
  const restored = async (): Promise<void> => {
    const sequencer = database.start();
    await grow(3);
    const [state] = await database.rows<{ peaks: Buffer }>('SELECT peaks FROM log_state');
    const [tile] = await database.rows<{ hashes: Buffer }>('SELECT hashes FROM log_tiles');
    await grow(4);
    await database.stop(sequencer);
    await database.tamper(async (run) => {
      await run('DELETE FROM custody_entries WHERE index >= 3', []);
      await run('DELETE FROM log_checkpoints WHERE size > 3', []);
      await run('UPDATE log_tiles SET hashes = $1', [tile?.hashes]);
      await run('UPDATE log_state SET size = 3, peaks = $1', [state?.peaks]);
    });
  };

  it('lets nothing be released while the log is frozen, and again when the owner lifts it and all is well', async () => {
    await restored();
    await opened();
    const sequencer = database.start();
    const reason = await database.untilFrozen(sequencer);
    await eventually('every process can see it', () => database.log.frozenBecause());
    expect(await database.log.frozenBecause()).toBe(reason);
    const before = await database.rows('SELECT id FROM custody_pending');
    await expect(opened()).rejects.toBeInstanceOf(ReleaseRefused);
    expect(await database.rows('SELECT id FROM custody_pending')).toEqual(before);
    await database.append(randomUUID()); // what releases nothing is still written down
    expect(await database.rows('SELECT id FROM custody_pending')).toHaveLength(before.length + 1);

    await database.tamper((run) => run(`INSERT INTO log_freezes (frozen, reason) VALUES (false, 'looked into')`, []));
    await opened();
    await eventually('it is frozen again, for nothing was mended', async () => (await database.log.frozenBecause()) === reason);
    expect(await database.rows('SELECT frozen FROM log_freezes ORDER BY id')).toEqual([
      { frozen: true },
      { frozen: false },
      { frozen: true },
    ]);
  }, 60_000);

  it('that cannot be reached keeps no entry from its place, but nothing is signed unseen', async () => {
    const sequencer = database.start({ store: 'http://127.0.0.1:9' });
    await database.appendSequenced(randomUUID(), 3);
    await expect(database.log.checkpointCovering(0n, 3000)).rejects.toBeInstanceOf(LogBehind);
    await database.stop(sequencer);
    database.start();
    await database.checkpoint();
    await untilMirrored(3);
  }, 60_000);
});
