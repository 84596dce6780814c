import { Clock } from '#platform';
import { generateNoteKey } from '#tlog';
import { payloadOf } from './custody-log.service.js';
import { Custody } from './custody.service.js';
import { LogKeyRecord } from './log-key-record.js';
import { logSubject } from './log-subject.js';
import { CustodyDatabase } from './testing/custody-database.js';

describe('the record of the keys that sign the log', () => {
  let database: CustodyDatabase;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
  }, 60_000);
  afterEach(() => database.close());

  const workerStarts = (skeys: string): Promise<void> =>
    new LogKeyRecord(database.config, skeys, database.unitOfWork, new Custody(new Clock())).onApplicationBootstrap();
  const record = async (): Promise<string[]> => {
    const sequencer = database.start();
    await database.untilNothingIsPending();
    const chain = await database.log.chain(logSubject(database.verifier.name));
    await database.stop(sequencer);
    return chain.map((entry) => `${entry.type} ${JSON.stringify(payloadOf(entry)?.event['vkey'])}`);
  };

  it('begins with the first, and tells how one took over from the other', async () => {
    const old = { skey: database.signingKey, vkey: database.verifier.vkey };
    const next = generateNoteKey(database.verifier.name);
    await workerStarts(old.skey);
    await workerStarts(old.skey);
    expect(await record()).toEqual([`log.key-added "${old.vkey}"`]);
    await workerStarts(`${old.skey}\n${next.skey}`);
    await workerStarts(next.skey);
    await workerStarts(next.skey);
    expect(await record()).toEqual([
      `log.key-added "${old.vkey}"`,
      `log.key-added "${next.vkey}"`,
      `log.key-retired "${old.vkey}"`,
    ]);
  }, 60_000);

  it('says it once when several workers start at the same moment', async () => {
    await Promise.all(Array.from({ length: 8 }, () => workerStarts(database.signingKey)));
    expect(await record()).toEqual([`log.key-added "${database.verifier.vkey}"`]);
  }, 60_000);
});
