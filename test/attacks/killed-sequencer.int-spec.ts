import { randomUUID } from 'node:crypto';
import { openCheckpoint } from '#tlog';
import { eventually } from '../support/eventually.js';
import { attack } from './attack.js';
import { AttackedLog } from './attacked-log.js';
import { BoardWitness } from './board-witness.js';
import { SequencerProcesses, type SequencerProcess } from './sequencer-process.js';
import type { Orders } from './sequencer-program.js';
import { VerifierCommand } from './verifier-command.js';

const LEADER = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7239462 AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
/** Here the database, the store or the witness may already have done what the dead sequencer never heard of. */
const WRITES = /^(COMMIT|INSERT INTO log_checkpoints|INSERT INTO log_cosignatures|put |ask the witness)/;

describe('attacks by killing the sequencer', () => {
  let verifier: VerifierCommand;
  let processes: SequencerProcesses;
  let board: BoardWitness;
  let log: AttackedLog;
  const subject = randomUUID();

  beforeAll(async () => {
    [verifier, processes] = await Promise.all([VerifierCommand.build(), SequencerProcesses.build()]);
    log = await AttackedLog.create(verifier);
    board = await BoardWitness.create(log.database.verifier.vkey);
    await board.start();
    log.database.trust(board.policy());
    const sequencer = log.database.start();
    // Beyond one tile, so that a checkpoint needs several.
    await log.grow(300);
    await log.database.stop(sequencer);
  }, 60_000);
  afterAll(async () => {
    await processes?.close();
    await board?.close();
    await log?.close();
    await verifier?.close();
  });

  const start = (dieAt?: Orders['dieAt']): SequencerProcess =>
    processes.start({ env: log.workerEnvironment, policy: board.policy(), ...(dieAt ? { dieAt } : {}) });
  const nobodyLeads = (): Promise<unknown> =>
    eventually('the lock of the dead is free', async () => (await log.database.rows(LEADER)).length === 0, { everyMs: 10 });
  /** Every checkpoint that was ever signed, as the database and the mirror have shown it. */
  const signed = new Map<string, bigint>();
  const remember = async (): Promise<void> => {
    for (const { note } of await log.database.rows<{ note: string }>('SELECT note FROM log_checkpoints'))
      signed.set(note, openCheckpoint(note, [log.database.verifier]).size);
  };

  attack('a worker killed at any step of sequencing and publishing', () => {
    it('another goes on, and nothing is lost, nothing placed twice, and everything that was signed still holds', async () => {
      // What there is to be killed at: everything from the first batch to the mirrored checkpoint with its cosignatures.
      await log.append(3, [subject]);
      const rehearsal = start();
      await eventually('it has mirrored a cosigned checkpoint', () => rehearsal.steps.includes('put checkpoint, number 2'));
      await rehearsal.kill();
      const steps = [...new Set(rehearsal.steps.slice(rehearsal.steps.indexOf('BEGIN')))];
      expect(steps).toEqual(
        expect.arrayContaining([
          'BEGIN',
          'take-pending',
          'insert-entries',
          'extend-tiles',
          'move-state',
          'COMMIT',
          'put tile, number 2',
          'put checkpoint, number 2',
          'ask the witness',
        ]),
      );
      const deaths = steps.flatMap((step) => [
        { step, when: 'before' as const },
        ...(WRITES.test(step) ? [{ step, when: 'after' as const }] : []),
      ]);
      let size = await log.database.size();
      for (const dieAt of deaths) {
        const ids = await log.append(3, [subject, randomUUID()]);
        size += 3n;
        await start(dieAt).killed();
        await nobodyLeads();
        await remember();

        const successor = log.database.start();
        await log.database.log.sequenced(ids.at(-1) ?? '');
        const { note } = await log.database.log.checkpointCovering(size - 1n);
        await log.untilMirrored(size);
        await log.database.stop(successor);
        const { ok, findings } = await log.database.fsck({ mirror: { store: log.store.objects, bucket: log.bucket } });
        expect({ dieAt, ok, findings }).toEqual({ dieAt, ok: true, findings: [] });
        expect({ dieAt, size: await log.database.size() }).toEqual({ dieAt, size });
        expect(openCheckpoint(note, [log.database.verifier]).size).toBe(size);
      }
      const kept = new Set(
        (await log.database.rows<{ note: string }>('SELECT note FROM log_checkpoints')).map(({ note }) => note),
      );
      expect([...signed.keys()].filter((note) => !kept.has(note))).toEqual([]);
      await log.expectWhole('--policy', await verifier.put('board.policy', board.policy()));
      expect(await board.status()).not.toContain('TWO HISTORIES');
    }, 180_000);
  });
});
