import { randomUUID } from 'node:crypto';
import type { Attribution, Query } from '#custody';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };

/** Entries 0 to 3 about one subject, 4 and 5 about another, 6: the erasure of 0 and 2, 7: after it. */
describe('fsck of erased payloads', () => {
  const [subject, other] = [randomUUID(), randomUUID()];
  let database: CustodyDatabase;
  let ids: string[];

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    const sequencer = database.start();
    ids = [...(await database.appendSequenced(subject, 4)), ...(await database.appendSequenced(other, 2))];
    ids.push(await erasure(subject, [ids[0] ?? '', ids[2] ?? '', ids[4] ?? '']));
    ids.push(...(await database.appendSequenced(subject)));
    await database.checkpoint();
    await database.stop(sequencer);
    await database.tamper((run) => destroy(run, 0, 2));
  }, 60_000);
  afterAll(() => database.close());

  const erasure = async (about: string, entries: readonly string[]): Promise<string> => {
    const event = { type: 'payload.erased', entries, reason: 'ordered by a court' } as const;
    const id = await database.unitOfWork.run((tx) => database.custody.append(tx, about, event, BY));
    await database.log.sequenced(id);
    return id;
  };
  const destroy = (run: Query, ...indexes: number[]): Promise<unknown> =>
    run('DELETE FROM custody_payloads WHERE entry = ANY ($1)', [indexes.map((index) => ids[index])]);
  const missing = (index: number): unknown => ({ where: `entry ${index}`, what: 'its payload is missing' });

  it('takes a payload for erased when a later entry of its chain says so, and counts it', async () => {
    expect(await database.fsck()).toMatchObject({ ok: true, erased: 2, findings: [] });
  });

  it('finds a payload that is missing though nobody said so, or somebody else did', async () => {
    expect((await database.fsckAfter((run) => destroy(run, 1))).findings).toEqual([missing(1)]);
    expect((await database.fsckAfter((run) => destroy(run, 4))).findings).toEqual([missing(4)]);
    expect((await database.fsckAfter((run) => destroy(run, 7))).findings).toEqual([missing(7)]);
  });

  it('believes no erasure whose own payload is missing', async () => {
    const report = await database.fsckAfter((run) => destroy(run, 6));
    expect(report.findings).toEqual([missing(0), missing(2), missing(6)]);
    expect(report.erased).toBe(0);
  });

  it('believes no erasure whose payload was altered to name more', async () => {
    const report = await database.fsckAfter(async (run) => {
      await run('UPDATE custody_payloads SET payload = replace(payload, $1, $2) WHERE entry = $3', [ids[2], ids[1], ids[6]]);
      await destroy(run, 1);
    });
    expect(report.findings).toContainEqual(missing(1));
    expect(report.findings).toContainEqual({ where: 'entry 6', what: 'its payload is not what its header commits to' });
    expect(report.first).toEqual(missing(0));
  });

  it('finds a payload that is there again, or still, though the log says that it was erased', async () => {
    const { findings } = await database.fsckAfter((run) =>
      run('INSERT INTO custody_payloads SELECT $1, salt, payload FROM custody_payloads WHERE entry = $2', [ids[2], ids[1]]),
    );
    expect(findings).toContainEqual({ where: 'entry 2', what: 'its payload is there, though entry 6 says that it was erased' });
  });

  it('still finds a header that was changed where the payload is erased', async () => {
    const { findings } = await database.fsckAfter((run) =>
      run('UPDATE custody_entries SET actor = gen_random_uuid() WHERE index = 2', []),
    );
    expect(findings).toEqual([{ where: 'entry 2', what: 'its column actor differs from its header' }]);
  });
});
