import { randomUUID } from 'node:crypto';
import { CustodyDatabase } from './testing/custody-database.js';

describe('a checkpoint is signed only for a tree that extends the one signed before', () => {
  let database: CustodyDatabase;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
  }, 60_000);
  afterEach(() => database.close());

  const grow = async (count: number): Promise<void> => {
    await database.unitOfWork.run(async (tx) => {
      for (let i = 0; i < count; i++) await database.appendIn(tx, randomUUID());
    });
    await database.untilNothingIsPending();
  };
  const signed = async (): Promise<string[]> =>
    (await database.rows<{ size: string }>('SELECT size FROM log_checkpoints ORDER BY size')).map(({ size }) => size);
  /** What was altered behind the sequencer's back is met at the next signature, or at its next start. */
  const expectFrozenWithout = async (size: string): Promise<void> => {
    const sequencer = database.start();
    await database.append(randomUUID());
    await database.log.checkpointCovering(BigInt(size), 3000).catch(() => undefined);
    expect(await signed()).not.toContain(size);
    expect(await database.untilFrozen(sequencer)).toMatch(/does not extend/);
  };

  it('so it freezes when somebody altered what the next root is made of', async () => {
    const sequencer = database.start();
    await grow(6);
    await database.checkpoint();
    await database.stop(sequencer);
    const before = await signed();
    await database.tamper((run) => run("UPDATE log_state SET peaks = overlay(peaks PLACING '\\x00000000' FROM 1)", []));
    await expectFrozenWithout('7');
    expect(await signed()).toEqual(before);
  }, 60_000);

  it('so it freezes when the altered parts agree with each other, but not with what lies beneath', async () => {
    const first = database.start();
    await grow(300);
    await database.checkpoint();
    await database.stop(first);
    const before = await signed();
    // Places entries, but signs nothing, for it cannot see the mirror.
    const second = database.start({ store: 'http://127.0.0.1:9' });
    await grow(212);
    await database.stop(second);
    // The entries 256 to 511 and their own tile are as they were; what stands for them above, and the state, is not.
    await database.tamper(async (run) => {
      await run("UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00000000' FROM 33) WHERE level = 1", []);
      await run(
        "UPDATE log_state SET peaks = (SELECT sha256('\\x01'::bytea || substring(hashes FOR 64)) FROM log_tiles WHERE level = 1)",
        [],
      );
    });
    await expectFrozenWithout('513');
    expect(await signed()).toEqual(before);
  }, 60_000);

  it('so it freezes when hashes that it is made of are gone, also while nothing is appended', async () => {
    const first = database.start();
    await grow(6);
    await database.checkpoint();
    await database.stop(first);
    await database.tamper((run) => run('DELETE FROM log_tiles WHERE level = 0', []));
    expect(await database.untilFrozen(database.start())).toBe('tile 0/0 is missing or short');
  }, 60_000);

  it('so it freezes when an old checkpoint stands where the newest should be', async () => {
    const first = database.start();
    await grow(6);
    await database.checkpoint();
    await database.stop(first);
    await database.query(
      'INSERT INTO log_checkpoints (size, root, note, signed_at) SELECT 1000, root, note, signed_at FROM log_checkpoints WHERE size = 6',
      [],
    );
    expect(await database.untilFrozen(database.start())).toBe('the checkpoint of 1000 entries is one of 6');
  }, 60_000);
});
