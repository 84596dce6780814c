import { generateNoteKey, parseSigner, signCheckpoint, type NoteSigner } from '#tlog';
import { LogFrozen } from './log-frozen.js';
import { LogKeys } from './log-keys.js';
import { LogMirror, type MirroredCheckpoint } from './log-mirror.js';
import { MirrorWatch } from './mirror-watch.js';
import { CustodyDatabase } from './testing/custody-database.js';

describe('what the sequencer knows of the mirror', () => {
  let database: CustodyDatabase;
  let mirror: LogMirror;
  let keys: LogKeys;

  beforeEach(async () => {
    database = await CustodyDatabase.create();
    mirror = new LogMirror(database.config, database.store);
    keys = new LogKeys(database.signingKey);
  }, 60_000);
  afterEach(() => database.close());

  const checkpoint = (size: bigint, signer: NoteSigner): MirroredCheckpoint => ({
    size,
    note: signCheckpoint({ origin: keys.origin, size, root: Buffer.alloc(32, Number(size)) }, signer),
  });
  const watch = (): MirrorWatch =>
    new MirrorWatch(
      mirror,
      keys,
      () => undefined,
      () => undefined,
    );
  const own = (): NoteSigner => parseSigner(database.signingKey);

  it('that somebody else signed in it is not forgotten because one of ours was written beside it meanwhile', async () => {
    const stranger = parseSigner(generateNoteKey(keys.origin).skey);
    const ours = watch();
    await ours.ask(0n);
    await mirror.writeNote(keys.origin, checkpoint(3n, own()));
    await ours.ask(0n);
    expect(ours.newest.map(({ size }) => size)).toEqual([3n]);
    await mirror.writeNote(keys.origin, checkpoint(5n, stranger));
    await ours.ask(0n);
    expect(() => ours.newest).toThrow(LogFrozen);
    // As it is when the last one was still on its way: its tiles are there.
    await database.query("INSERT INTO log_tiles VALUES (0, 0, decode(repeat('00', 32 * 9), 'hex'))", []);
    ours.write(checkpoint(9n, own()));
    await ours.settled();
    expect(() => ours.newest).toThrow(LogFrozen);
  }, 60_000);

  it('is not outdone by an old checkpoint of ours that was put where a larger one would be', async () => {
    const ours = watch();
    await ours.ask(0n);
    const old = checkpoint(3n, own());
    await mirror.writeNote(keys.origin, checkpoint(7n, own()));
    await ours.ask(0n);
    expect(ours.newest.map(({ size }) => size)).toEqual([7n]);
    await mirror.writeNote(keys.origin, { size: 1000n, note: old.note });
    const restarted = watch();
    for (const each of [ours, restarted]) {
      await each.ask(0n);
      expect(() => each.newest).toThrow('the mirrored checkpoint of 1000 entries is one of 3');
    }
  }, 60_000);
});
