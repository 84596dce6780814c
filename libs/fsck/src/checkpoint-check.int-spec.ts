import { randomUUID } from 'node:crypto';
import { cosign, generateWitnessKey, parseCosigner, parsePolicy, type WitnessPolicy } from '#tlog';
import type { Query } from '#custody';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';

describe('fsck of checkpoints that witnesses cosigned', () => {
  const board = generateWitnessKey('board.example/witness');
  const press = generateWitnessKey('press.example/witness');
  const policyOf = (quorum: string): WitnessPolicy =>
    parsePolicy(`witness board ${board.vkey}\nwitness press ${press.vkey}\ngroup both all board press\nquorum ${quorum}\n`);
  let database: CustodyDatabase;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    const sequencer = database.start();
    for (let i = 0; i < 2; i++) {
      await database.appendSequenced(randomUUID(), 5);
      await database.checkpoint();
    }
    await database.stop(sequencer);
    await database.tamper(async (run) => {
      await insert(run, 5, board.vkey, await lineOf(5, board.skey));
      await insert(run, 5, press.vkey, await lineOf(5, press.skey));
      await insert(run, 10, board.vkey, await lineOf(10, board.skey));
    });
  }, 60_000);
  afterAll(() => database.close());

  const lineOf = async (size: number, skey: string): Promise<string> => {
    const [row] = await database.rows<{ note: string }>('SELECT note FROM log_checkpoints WHERE size = $1', [size]);
    return cosign(row?.note ?? '', parseCosigner(skey), new Date());
  };
  const insert = (run: Query, size: number, witness: string, line: string): Promise<unknown> =>
    run('INSERT INTO log_cosignatures (size, witness, line, at) VALUES ($1, $2, $3, now())', [size, witness, line]);

  it('counts the cosignatures, each of which verifies', async () => {
    expect(await database.fsck()).toMatchObject({ ok: true, cosignatures: 3, cosigned: undefined });
  });

  it('says how many entries the newest checkpoint vouches for, which is fewer when checkpoints were deleted', async () => {
    expect(await database.fsck()).toMatchObject({ signed: 10n });
    const cut = await database.fsckAfter(async (run) => {
      await run('DELETE FROM log_cosignatures WHERE size = 10', []);
      await run('DELETE FROM log_checkpoints WHERE size = 10', []);
    });
    expect(cut).toMatchObject({ ok: true, entries: 10n, signed: 5n });
    const forged = await database.fsckAfter((run) =>
      run('UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints WHERE size = 5) WHERE size = 10', []),
    );
    expect(forged).toMatchObject({ ok: false, signed: 5n });
  });

  it('finds that every checkpoint was deleted, with a policy or without: nobody vouches for what is there', async () => {
    const strip = async (run: Query): Promise<void> => {
      await run('DELETE FROM log_cosignatures', []);
      await run('DELETE FROM log_checkpoints', []);
    };
    const what = 'there is none that a key of the log signed: nobody vouches for any of the 10 entries';
    expect(await database.fsckAfter(strip)).toMatchObject({
      ok: false,
      signed: undefined,
      findings: [{ where: 'checkpoints', what }],
    });
    const { findings } = await database.fsckAfter(strip, { policy: policyOf('board') });
    expect(findings).toContainEqual({ where: 'policy', what: 'there is no checkpoint that satisfies it' });
  });

  it('says which is the newest checkpoint that satisfies a policy', async () => {
    expect(await database.fsck({ policy: policyOf('both') })).toMatchObject({ ok: true, cosigned: 5n });
    expect(await database.fsck({ policy: policyOf('board') })).toMatchObject({ ok: true, cosigned: 10n });
  });

  it('finds that no checkpoint satisfies a policy', async () => {
    const stranger = generateWitnessKey('stranger.example/witness');
    const report = await database.fsck({ policy: parsePolicy(`witness s ${stranger.vkey}\nquorum s\n`) });
    expect(report.findings).toEqual([{ where: 'policy', what: 'there is no checkpoint that satisfies it' }]);
  });

  it('finds a cosignature that is of another checkpoint, of another key, or none', async () => {
    const elsewhere = await lineOf(5, board.skey);
    const foreign = await lineOf(10, press.skey);
    for (const line of [elsewhere, foreign, '\u2014 board.example/witness AAAA\n', '\u2014 a\n\n\u2014 b\n']) {
      const { findings } = await database.fsckAfter((run) =>
        run('UPDATE log_cosignatures SET line = $1 WHERE size = 10', [line]),
      );
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatchObject({ where: 'checkpoint 10', what: expect.stringContaining(board.vkey) });
    }
  });

  it('finds a cosignature under the name of no witness key', async () => {
    const { findings } = await database.fsckAfter((run) => run(`UPDATE log_cosignatures SET witness = 'x' WHERE size = 10`, []));
    expect(findings).toMatchObject([{ where: 'checkpoint 10' }]);
  });

  it('finds that a checkpoint is missing that somebody cosigned', async () => {
    for (const size of [5, 10]) {
      const { findings } = await database.fsckAfter((run) => run('DELETE FROM log_checkpoints WHERE size = $1', [size]));
      expect(findings).toContainEqual({ where: `checkpoint ${size}`, what: `${board.vkey} cosigned it, but it is missing` });
    }
  });

  it('finds that the column root of a checkpoint was altered', async () => {
    const { findings } = await database.fsckAfter((run) =>
      run('UPDATE log_checkpoints SET root = sha256(root) WHERE size = 5', []),
    );
    expect(findings).toEqual([{ where: 'checkpoint 5', what: 'its column root differs from what was signed' }]);
  });
});
