import {
  checkPolicy,
  cosign,
  generateWitnessKey,
  parseCosigner,
  parsePolicy,
  parseSigner,
  signCheckpoint,
  type Cosigner,
} from '#tlog';
import { CustodyDatabase } from './testing/custody-database.js';

const OUTAGE = 1100;

describe('the newest checkpoint that witnesses vouch for', () => {
  let database: CustodyDatabase;
  const cosigners = ['a', 'b'].map((name) => parseCosigner(generateWitnessKey(`${name}.test/witness`).skey)) as [
    Cosigner,
    Cosigner,
  ];
  const policy = `witness a ${cosigners[0].vkey}\nwitness b ${cosigners[1].vkey}\ngroup both all a b\nquorum both\n`;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
    database.trust(policy);
  }, 60_000);
  afterEach(() => database.close());

  /** A checkpoint on record, cosigned by those. */
  const signed = async (size: number, by: readonly Cosigner[]): Promise<void> => {
    const { name: origin } = database.verifier;
    const root = Buffer.alloc(32, size);
    const note = signCheckpoint({ origin, size: BigInt(size), root }, parseSigner(database.signingKey));
    await database.query('INSERT INTO log_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, now())', [
      size,
      root,
      note,
    ]);
    for (const cosigner of by)
      await database.query('INSERT INTO log_cosignatures (size, witness, line, at) VALUES ($1, $2, $3, now())', [
        size,
        cosigner.vkey,
        cosign(note, cosigner, new Date()),
      ]);
  };

  it('is found behind however many that one of two witnesses cosigned alone while the other was away', async () => {
    await signed(1, cosigners);
    for (let size = 2; size < 2 + OUTAGE; size++) await signed(size, [cosigners[0]]);
    const newest = await database.log.newestTrusted();
    expect(newest?.size).toBe(1n);
    expect(
      checkPolicy(newest?.note ?? '', parsePolicy(`log ${database.verifier.vkey}\n${policy}`)).cosigners.map(
        ({ alias }) => alias,
      ),
    ).toEqual(['a', 'b']);
    expect(await database.log.newestTrusted(1n)).toBeUndefined();
  }, 60_000);

  it('is found from the other end too: the first above an index, that nobody could know when that entry was made', async () => {
    for (const [size, by] of [
      [1, cosigners],
      [3, [cosigners[0]]],
      [5, cosigners],
      [7, cosigners],
    ] as const)
      await signed(size, by);
    const first = async (index: bigint): Promise<bigint | undefined> => (await database.log.firstTrusted(index))?.size;
    expect([await first(0n), await first(1n), await first(4n), await first(5n), await first(7n)]).toEqual([
      1n,
      5n,
      5n,
      7n,
      undefined,
    ]);
    database.trust('quorum none\n');
    expect([await first(1n), await first(7n)]).toEqual([3n, undefined]);
  }, 60_000);

  it('is the older one when a newer one has as many cosignatures as are needed, but not of those who are', async () => {
    const other = parseCosigner(generateWitnessKey('c.test/witness').skey);
    const nested = `${policy.slice(0, policy.indexOf('group'))}witness c ${other.vkey}\ngroup a-or-b any a b\ngroup all-in-all all a-or-b c\nquorum all-in-all\n`;
    database.trust(nested);
    await signed(1, [cosigners[1], other]);
    await signed(2, cosigners);
    expect((await database.log.newestTrusted())?.size).toBe(1n);
    await signed(3, [cosigners[0], other]);
    expect((await database.log.newestTrusted())?.size).toBe(3n);
  }, 60_000);
});
