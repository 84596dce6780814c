import { randomUUID } from 'node:crypto';
import { WitnessesBehind, type Query, type Sequencer } from '#custody';
import { eventually } from '../support/eventually.js';
import { TestWitnesses } from '../support/witness.js';
import { attack } from './attack.js';
import { AttackedLog, sha256 } from './attacked-log.js';
import { VerifierCommand } from './verifier-command.js';
import { WholeDatabase } from './whole-database.js';

/** What shows that there was more: a checkpoint in the database, in the mirror, with a witness. Three entries, then seven; both times signed. */
describe('attacks that take the log back', () => {
  let verifier: VerifierCommand;
  let witnesses: TestWitnesses;
  let log: AttackedLog;
  let sequencer: Sequencer;
  let yesterday: WholeDatabase;

  beforeAll(async () => {
    [verifier, witnesses] = await Promise.all([VerifierCommand.build(), TestWitnesses.create()]);
  }, 60_000);
  beforeEach(async () => {
    log = await AttackedLog.create(verifier);
  }, 60_000);
  afterEach(() => log?.close());
  afterAll(async () => {
    await witnesses?.close();
    await verifier?.close();
  });

  const grow = async (): Promise<void> => {
    sequencer = log.database.start();
    await log.grow(3);
    yesterday = await WholeDatabase.of(log.database);
    await log.grow(4);
  };
  const grown = async (): Promise<void> => {
    await grow();
    await log.database.stop(sequencer);
  };
  const frozen = (): Promise<string> => log.database.untilFrozen(log.database.start());

  attack('the newest entries deleted, their checkpoints left', () => {
    /** Entries, tiles and state as they were after three; whatever was signed since then stays. */
    const rollBack = async (): Promise<void> => {
      const [newest] = await log.database.rows<{ note: string; root: Buffer }>(
        'SELECT note, root FROM log_checkpoints WHERE size = 7',
      );
      await yesterday.putBack();
      await log.database.tamper((run) =>
        run('INSERT INTO log_checkpoints (size, root, note, signed_at) VALUES (7, $1, $2, now())', [newest?.root, newest?.note]),
      );
    };

    it('freezes the log also when tiles and state fit, nothing more is placed or signed, and fsck says what is missing', async () => {
      await grown();
      await rollBack();
      expect((await log.fsck()).findings).toContainEqual({
        where: 'checkpoint 7',
        what: 'it was signed over 7 entries, but only 3 are there',
      });
      expect(await frozen()).toBe('the log has 3 entries, but 7 were signed');
      await log.expectNothingMoves();
    }, 60_000);

    it('freezes the log when the state still counts them', async () => {
      await grown();
      await log.database.tamper((run) => run('DELETE FROM custody_entries WHERE index >= 3', []));
      expect(await frozen()).toBe('the log has 7 entries, but they end at 3');
      await log.expectNothingMoves();
    }, 60_000);

    it('freezes the log when it happens under a leader at work: no second history is ever signed', async () => {
      await grow();
      await rollBack();
      await log.database.append(randomUUID());
      expect(await log.database.untilFrozen(sequencer)).toMatch(/but 7 were signed$/);
      const sizes = await log.database.rows<{ size: string }>('SELECT size FROM log_checkpoints ORDER BY size');
      expect(sizes.map(({ size }) => Number(size)).filter((size) => size > 3)).toEqual([7]);
    }, 60_000);
  });

  attack('the whole database put back to yesterday, checkpoints and all', () => {
    it('freezes the log by what is mirrored before anything is placed or signed, and fsck says that it was rolled back', async () => {
      await grown();
      await yesterday.putBack();
      const { code, findings } = await log.fsck();
      expect(code).toBe(1);
      const mirrored = findings.filter(({ where }) => where.startsWith(`mirror ${log.checkpointPrefix(7)}`));
      expect(mirrored).toEqual([expect.objectContaining({ what: expect.stringContaining('the log was rolled back') })]);
      expect(await frozen()).toBe('the log has 3 entries, but 7 were signed');
      await log.expectNothingMoves();
      expect(await log.database.rows('SELECT 1 FROM log_checkpoints WHERE size > 3')).toEqual([]);
    }, 60_000);

    it('freezes the log also when it was carried on beyond what is mirrored, to other entries', async () => {
      await grown();
      await yesterday.putBack();
      // By somebody whose sequencer was told of an empty mirror.
      const carriedOn = log.database.start({ store: 'http://127.0.0.1:9' });
      const ids = await log.append(9);
      await log.database.log.sequenced(ids.at(-1) ?? '');
      await log.database.stop(carriedOn);
      expect(await frozen()).toBe('the first 7 entries no longer have the root that was signed');
      await log.expectNothingMoves();
    }, 60_000);

    it('freezes the log although the newest mirrored checkpoint is hidden by a delete marker or other bytes', async () => {
      await grown();
      const key = await log.keyOf(log.checkpointPrefix(7));
      await log.store.put(log.bucket, key, Buffer.from('nothing'));
      await log.store.delete(log.bucket, key);
      await yesterday.putBack();
      expect(await frozen()).toBe('the log has 3 entries, but 7 were signed');
    }, 60_000);
  });

  attack('the whole database and the mirror put back to yesterday', () => {
    it('is refused by the witnesses, so that nothing is released again, and whoever has a policy refuses what follows', async () => {
      const board = await (await witnesses.add('board', log.database.verifier.vkey)).start();
      const policy = `${board.line}quorum board\n`;
      const policyFile = await verifier.put('board.policy', `log ${log.database.verifier.vkey}\n${policy}`);
      log.database.trust(policy);
      await grow();
      await eventually('the witness has cosigned it', async () => (await log.database.log.newestTrusted(6n)) !== undefined);
      const cosigned = await log.database.log.newestTrusted();
      expect(await log.verifyLog(['--policy', policyFile], cosigned?.note)).toMatchObject({ code: 0 });
      await log.database.stop(sequencer);
      for (const { key, versionId } of await log.store.versions(log.bucket, log.folder))
        await log.store.delete(log.bucket, key, versionId);
      await yesterday.putBack();
      sequencer = log.database.start();

      const refusedAt = async (size: bigint): Promise<void> => {
        await expect(log.database.log.checkpointCovering(size - 1n, 2500)).rejects.toBeInstanceOf(WitnessesBehind);
        const uncosigned = (await log.database.log.newestCheckpoint())?.note ?? '';
        expect(await log.verifyLog(['--policy', policyFile], uncosigned)).toMatchObject({ code: 1 });
      };
      await log.database.appendSequenced(randomUUID(), 2);
      await refusedAt(5n);
      await log.database.appendSequenced(randomUUID(), 7);
      await refusedAt(12n);
      expect(board.answers).toContain(422);
      const [newest] = await log.database.rows<{ size: string }>('SELECT max(size) AS size FROM log_cosignatures');
      expect(newest?.size).toBe('3');
    }, 90_000);

    it('is found by fsck as long as anything newer is left in the mirror, a tile be it', async () => {
      await grown();
      const newest = `${log.folder}${log.checkpointPrefix(7)}`;
      for (const { key, versionId } of await log.store.versions(log.bucket, newest))
        await log.store.delete(log.bucket, key, versionId);
      await yesterday.putBack();
      const { findings } = await log.fsck();
      expect(findings).toEqual([
        {
          where: expect.stringMatching(/^mirror tile\/0\/000\.p\/7\//),
          what: expect.stringContaining('the log was rolled back'),
        },
      ]);
    }, 60_000);
  });

  attack('another tree under what was signed, or another log, in the database', () => {
    it.each<readonly [string, (run: Query) => Promise<unknown>, RegExp]>([
      [
        'another tree',
        (run) => run(`UPDATE log_tiles SET hashes = sha256('') || substring(hashes FROM 33)`, []),
        /^the first 7 entries no longer have the root that was signed$/,
      ],
      [
        'another log',
        (run) => run(`UPDATE log_state SET origin = 'another.example/log'`, []),
        /^this database holds the log another\.example\/log/,
      ],
    ])(
      '(%s) freezes the log, and fsck finds it',
      async (_, work, reason) => {
        await grown();
        const intact = await WholeDatabase.of(log.database);
        await log.database.tamper(work);
        expect((await log.fsck()).code).toBe(1);
        sequencer = log.database.start();
        expect(await log.database.untilFrozen(sequencer)).toMatch(reason);
        await log.expectNothingMoves();

        await log.database.stop(sequencer);
        await intact.putBack();
        sequencer = log.database.start();
        await log.database.appendSequenced(randomUUID());
        expect(sequencer.frozen).toBeUndefined();
      },
      60_000,
    );
  });

  attack('an old checkpoint replayed', () => {
    it('to a witness is refused, which says how far it is', async () => {
      const board = await (await witnesses.add('replay', log.database.verifier.vkey)).start();
      log.database.trust(`${board.line}quorum replay\n`);
      await grow();
      await eventually('the witness has cosigned it', async () => (await log.database.log.newestTrusted(6n)) !== undefined);
      const [old] = await log.database.rows<{ note: string }>('SELECT note FROM log_checkpoints WHERE size = 3');
      for (const [size, status] of [
        [0, 409],
        [3, 409],
        [7, 400],
      ]) {
        const answer = await fetch(`${board.url}/add-checkpoint`, { method: 'POST', body: `old ${size}\n\n${old?.note ?? ''}` });
        expect(answer.status).toBe(status);
        if (status === 409) expect(await answer.text()).toBe('7\n');
      }
    }, 60_000);

    it('in the database in place of the newest is found by fsck, and freezes the log', async () => {
      await grown();
      await log.database.tamper((run) =>
        run('UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints WHERE size = 3) WHERE size = 7', []),
      );
      expect((await log.fsck()).findings.map(({ where }) => where)).toContain('checkpoint 7');
      expect(await frozen()).toBe('the checkpoint of 7 entries is one of 3');
    }, 60_000);

    it('in the mirror under a newer name is found by fsck, and does not hide from the sequencer what is newest', async () => {
      await grown();
      const [old] = await log.database.rows<{ note: string }>('SELECT note FROM log_checkpoints WHERE size = 3');
      const bytes = Buffer.from(old?.note ?? '');
      const name = `${log.checkpointPrefix(9)}${sha256(bytes)}`;
      await log.store.put(log.bucket, `${log.folder}${name}`, bytes);
      expect((await log.fsck()).findings).toEqual([{ where: `mirror ${name}`, what: 'it was signed for another log or size' }]);
      await yesterday.putBack();
      expect(await frozen()).toBe('the mirrored checkpoint of 9 entries is one of 3');
      await log.expectNothingMoves();
    }, 60_000);
  });
});
