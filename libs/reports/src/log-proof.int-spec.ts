import { randomUUID } from 'node:crypto';
import { NotFound } from '#platform';
import { openCheckpoint, parseProof, verifyInclusion } from '#tlog';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { LogProofController, ProofQuery } = await import('./log-proof.controller.js');

const ENTRIES = 300n;

describe('the proof of one entry', () => {
  let database: CustodyDatabase;
  let proofs: InstanceType<typeof LogProofController>;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    proofs = new LogProofController(database.log);
    const sequencer = database.start();
    const last = await database.unitOfWork.run(async (tx) => {
      for (let i = 1n; i < ENTRIES; i += 1n) await database.appendIn(tx, randomUUID());
      return database.appendIn(tx, randomUUID());
    });
    await database.log.sequenced(last);
    await database.checkpoint();
    await database.stop(sequencer);
  }, 60_000);
  afterAll(() => database.close());

  it('holds under the newest checkpoint for every entry it covers, and for no other one', async () => {
    const leaves = await database.rows<{ leaf_hash: Buffer }>('SELECT leaf_hash FROM custody_entries ORDER BY index');
    for (const index of [0n, 1n, 127n, 128n, 254n, 255n, 256n, 257n, 298n, 299n]) {
      const proof = parseProof(await proofs.proof({ index }));
      const { size, root } = openCheckpoint(proof.checkpoint, [database.verifier]);
      expect([proof.index, size]).toEqual([index, ENTRIES]);
      const claim = { index, size, proof: proof.hashes, root };
      for (const [other, { leaf_hash: leaf }] of leaves.entries())
        if (BigInt(other) === index) expect(() => verifyInclusion({ ...claim, leaf })).not.toThrow();
        else expect(() => verifyInclusion({ ...claim, leaf })).toThrow();
    }
  });

  it('is not given for an entry that no checkpoint covers', async () => {
    await database.append(randomUUID());
    for (const index of [ENTRIES, ENTRIES + 1n, 10n ** 18n - 1n])
      await expect(proofs.proof({ index })).rejects.toBeInstanceOf(NotFound);
  });

  it('is asked for by an index in its one spelling', () => {
    const read = (query: unknown): unknown => ProofQuery.safeParse(query).data?.index;
    expect([read({ index: '0' }), read({ index: '999999999999999999' })]).toEqual([0n, 999_999_999_999_999_999n]);
    const misspelt = ['', '-1', '00', '01', '1.0', '1e3', '0x1', ' 1', '1\n', '٣', '9223372036854775808', ['1', '2']];
    for (const index of misspelt) expect([index, read({ index })]).toEqual([index, undefined]);
    expect([read({}), read({ index: '1', size: '2' })]).toEqual([undefined, undefined]);
  });
});
