import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { attack } from './attack.js';
import { AttackedLog } from './attacked-log.js';
import { BoardWitness } from './board-witness.js';
import { TreacherousPath } from './treacherous-path.js';
import { VerifierCommand } from './verifier-command.js';

/** Whoever asks hears that the connection is gone; what it asked for was done. */
describe('attacks by losing answers', () => {
  let verifier: VerifierCommand;
  let board: BoardWitness;
  let log: AttackedLog;
  let toDatabase: TreacherousPath;
  let toStore: TreacherousPath;
  let toWitness: TreacherousPath;
  const subject = randomUUID();

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
    log = await AttackedLog.create(verifier);
    board = await BoardWitness.create(log.database.verifier.vkey);
    await board.start();
    [toDatabase, toStore, toWitness] = await Promise.all([
      TreacherousPath.to(log.database.urls.sequencer),
      TreacherousPath.to(log.database.config.S3_ENDPOINT),
      TreacherousPath.to(board.url),
    ]);
    log.database.trust(board.policy(toWitness.url));
    const sequencer = log.database.start({ port: toDatabase.port, store: toStore.url });
    await log.grow(260, [subject]);
    expect(sequencer.frozen).toBeUndefined();
  }, 60_000);
  afterAll(async () => {
    await log?.close();
    await Promise.all([toDatabase?.close(), toStore?.close(), toWitness?.close()]);
    await board?.close();
    await verifier?.close();
  });

  attack('a write that is reported failed although it happened', () => {
    const asking = (what: RegExp) => (): ((asked: string) => boolean) => (asked) => what.test(asked);
    /** Not that of a batch without entries, of which there are many. */
    const commitOfEntries = (): ((asked: string) => boolean) => {
      let inserted = false;
      return (asked) => (inserted ||= asked.includes('insert-entries')) && /^Q....COMMIT/s.test(asked);
    };

    it.each<readonly [string, () => TreacherousPath, () => (asked: string) => boolean]>([
      ['the commit of a batch', () => toDatabase, commitOfEntries],
      ['a signed checkpoint', () => toDatabase, asking(/INSERT INTO log_checkpoints/)],
      ["a witness's cosignature, in the database", () => toDatabase, asking(/INSERT INTO log_cosignatures/)],
      ['a tile, in the mirror', () => toStore, asking(/^PUT \/[^ ]*\/tile\//)],
      ['a checkpoint, in the mirror', () => toStore, asking(/^PUT \/[^ ]*\/checkpoint\//)],
      ["a witness's cosignature, with the witness", () => toWitness, asking(/^POST \/add-checkpoint/)],
    ])(
      '(%s) is survived: nothing is lost, nothing is there twice, and the log goes on',
      async (_, path, loses) => {
        const before = await log.database.size();
        path().loses = loses();
        const first = path().lost;
        const ids = [...(await log.append(3, [subject, randomUUID()]))];
        // From the store so often that its client, which tries three times, gives up.
        const often = path() === toStore ? 3 : 1;
        await eventually('answers are lost', async () => {
          await log.database.rows('NOTIFY custody_checkpoint_wanted');
          return path().lost >= first + often;
        });
        expect(await log.database.size()).toBe(before + 3n);
        path().loses = () => false;
        ids.push(...(await log.append(2, [subject])));
        await log.database.log.sequenced(ids.at(-1) ?? '');
        const size = before + BigInt(ids.length);
        expect((await log.database.log.checkpointCovering(size - 1n, 30_000)).size).toBe(size);
        expect(await log.database.size()).toBe(size);
        const places = await Promise.all(ids.map(async (id) => (await log.database.log.sequenced(id)).index));
        expect(places.sort((a, b) => Number(a - b))).toEqual(ids.map((__, i) => before + BigInt(i)));
        await log.untilMirrored(size);
        await log.expectWhole('--policy', await verifier.put('board.policy', board.policy()));
        expect(await board.status()).not.toContain('TWO HISTORIES');
      },
      90_000,
    );
  });
});
