import { randomUUID } from 'node:crypto';
import { Custody, LogMirror, Sequencer, WitnessesBehind } from '#custody';
import { Clock } from '#platform';
import { decodeHeader } from '#tlog';
import { attack } from './attack.js';
import { AttackedLog } from './attacked-log.js';
import { BoardWitness } from './board-witness.js';
import { VerifierCommand } from './verifier-command.js';

const HOUR_MS = 3_600_000;

class SetClock extends Clock {
  awayMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.awayMs);
  }
}

describe('attacks with clocks', () => {
  let verifier: VerifierCommand;
  let log: AttackedLog;

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
  }, 60_000);
  beforeEach(async () => {
    log = await AttackedLog.create(verifier);
  }, 60_000);
  afterEach(() => log?.close());
  afterAll(() => verifier?.close());

  attack('a clock that jumps back', () => {
    it("the service's and the sequencer's: every entry gets its place and says what it was told, and checkpoints go on", async () => {
      const clock = new SetClock();
      const { config, signingKey, store, unitOfWork } = log.database;
      const sequencer = new Sequencer(config, signingKey, clock, new LogMirror(config, store), undefined);
      sequencer.onApplicationBootstrap();
      try {
        const custody = new Custody(clock);
        const subject = randomUUID();
        const append = async (): Promise<void> => {
          const event = { type: 'signed-out', session: randomUUID() } as const;
          const by = { kind: 'system', id: null, name: 'test' } as const;
          const id = await unitOfWork.run((tx) => custody.append(tx, subject, event, by));
          const { index } = await log.database.log.sequenced(id);
          // Not asked for: that they go on by themselves is what a clock could stop.
          await log.untilMirrored(index + 1n);
        };
        for (const away of [0, -HOUR_MS, -1000 * HOUR_MS, HOUR_MS, -HOUR_MS]) {
          clock.awayMs = away;
          await append();
        }
        const chain = await log.database.log.chain(subject);
        const times = chain.map(({ header }) => Date.parse(decodeHeader(Buffer.from(header)).at));
        expect(times[1]).toBeLessThan(times[0] ?? 0);
        expect(times[2]).toBeLessThan(times[1] ?? 0);
        expect(times[3]).toBeGreaterThan(times[0] ?? 0);
        expect(chain.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
        expect(sequencer.frozen).toBeUndefined();
      } finally {
        await sequencer.onApplicationShutdown();
      }
      await log.expectWhole();
    }, 60_000);

    it("a witness's: it cosigns nothing meanwhile, and everything again when its clock is right", async () => {
      const board = await BoardWitness.create(log.database.verifier.vkey);
      try {
        await board.start();
        log.database.trust(board.policy());
        log.database.start();
        await log.database.appendSequenced(randomUUID(), 3);
        expect((await log.database.log.checkpointCovering(2n)).size).toBe(3n);
        await board.stop();

        await board.start({ clockMs: -HOUR_MS });
        await log.database.appendSequenced(randomUUID(), 2);
        await expect(log.database.log.checkpointCovering(4n, 3000)).rejects.toBeInstanceOf(WitnessesBehind);
        expect(board.answers.at(-1)).toBe(503);
        await board.stop();

        await board.start();
        expect((await log.database.log.checkpointCovering(4n)).size).toBe(5n);
        const times = await log.database.rows<{ at: Date }>('SELECT at FROM log_cosignatures ORDER BY size');
        expect(times.map(({ at }) => at.getTime())).toEqual(times.map(({ at }) => at.getTime()).sort());
        await log.untilMirrored(5n);
        await log.expectWhole('--policy', await verifier.put('board.policy', board.policy()));
      } finally {
        await board.close();
      }
    }, 60_000);
  });
});
