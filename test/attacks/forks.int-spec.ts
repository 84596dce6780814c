import { randomUUID } from 'node:crypto';
import { WitnessesBehind } from '#custody';
import { openCheckpoint } from '#tlog';
import { eventually } from '../support/eventually.js';
import { attack } from './attack.js';
import { AttackedLog, sha256 } from './attacked-log.js';
import { BoardWitness } from './board-witness.js';
import { VerifierCommand } from './verifier-command.js';

describe('attacks with two histories', () => {
  let verifier: VerifierCommand;
  let shown: AttackedLog;
  let hidden: AttackedLog;
  let board: BoardWitness;

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
    [shown, hidden] = await Promise.all([AttackedLog.create(verifier), AttackedLog.create(verifier)]);
    board = await BoardWitness.create(shown.database.verifier.vkey);
    await board.start();
  }, 60_000);
  afterAll(async () => {
    await Promise.all([shown?.close(), hidden?.close()]);
    await board?.close();
    await verifier?.close();
  });

  attack('fork: two trees of one log shown to two readers', () => {
    it('only one of them is ever cosigned, so that whoever has a policy refuses the other', async () => {
      const { signingKey: keys, verifier: key } = shown.database;
      const policyFile = await verifier.put('fork.policy', `log ${key.vkey}\n${board.policy()}`);
      for (const log of [shown, hidden]) {
        log.database.trust(board.policy());
        log.database.start({ keys });
        await log.database.appendSequenced(randomUUID(), 3);
        if (log === shown) await log.database.log.checkpointCovering(2n);
      }
      await expect(hidden.database.log.checkpointCovering(2n, 3000)).rejects.toBeInstanceOf(WitnessesBehind);
      const [one, other] = await Promise.all([shown.database.log.newestTrusted(), hidden.database.log.newestCheckpoint()]);

      // Under the log's key alone each reader is content: this is why there are witnesses.
      const readers = [
        [shown, one],
        [hidden, other],
      ] as const;
      for (const [log, checkpoint] of readers)
        expect(await verify(log, checkpoint?.note, '--log-key', key.vkey)).toMatchObject({ code: 0 });
      expect(await verify(shown, one?.note, '--policy', policyFile)).toMatchObject({ code: 0 });
      const refused = await verify(hidden, other?.note, '--policy', policyFile);
      expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('NOT VERIFIED') });

      // And with what the first was given, cosignatures and all, the other's entries do not verify.
      expect(await verify(hidden, one?.note, '--policy', policyFile)).toMatchObject({ code: 1 });
    }, 60_000);

    it('the two checkpoints prove it to anybody, and the witness keeps both', async () => {
      const notes = await Promise.all([shown, hidden].map(async ({ database }) => noteOf(database)));
      const [one, other] = notes.map((note) => openCheckpoint(note, [shown.database.verifier]));
      expect(one?.size).toBe(other?.size);
      expect(one?.root).not.toEqual(other?.root);
      const status = await eventually('the witness has been shown the other tree', async () => {
        const said = await board.status();
        return said.includes('TWO HISTORIES') && said;
      });
      for (const note of notes) for (const line of note.trimEnd().split('\n')) expect(status).toContain(line);
    }, 60_000);

    it('the other is never cosigned later, however long it grows', async () => {
      await hidden.database.appendSequenced(randomUUID(), 5);
      await expect(hidden.database.log.checkpointCovering(7n, 3000)).rejects.toBeInstanceOf(WitnessesBehind);
      expect(board.answers).toContain(422);
      await shown.database.appendSequenced(randomUUID(), 2);
      expect((await shown.database.log.checkpointCovering(4n)).size).toBe(5n);
      expect(await hidden.database.rows('SELECT 1 FROM log_cosignatures')).toEqual([]);
    }, 60_000);

    it('the checkpoint of the one does not fit the mirror of the other: fsck names it', async () => {
      const note = await noteOf(hidden.database);
      const name = `${shown.checkpointPrefix(3)}${sha256(note)}`;
      await shown.store.put(shown.bucket, `${shown.folder}${name}`, Buffer.from(note));
      const { findings } = await shown.fsck();
      expect(findings).toEqual([{ where: `mirror ${name}`, what: 'the first 3 entries do not have the root that was mirrored' }]);
    }, 60_000);
  });

  const verify = (log: AttackedLog, note: string | undefined, ...args: string[]): ReturnType<AttackedLog['verifyLog']> =>
    log.verifyLog(args, note, shown.database.verifier);
  const noteOf = async (database: AttackedLog['database']): Promise<string> => {
    const [row] = await database.rows<{ note: string }>('SELECT note FROM log_checkpoints WHERE size = 3');
    return row?.note ?? '';
  };
});
