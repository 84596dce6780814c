import { randomUUID } from 'node:crypto';
import type { EventOf, Sequencer } from '#custody';
import { generateNoteKey, parseSigner, signCheckpoint } from '#tlog';
import { attack } from './attack.js';
import { AttackedLog, sha256 } from './attacked-log.js';
import { VerifierCommand } from './verifier-command.js';

const FILE = Buffer.from('the video');
const OTHER = Buffer.from('VIDEO THE');

/** By the store's administrator, who may bypass the governance that keeps everybody else from deleting a version. */
describe('attacks on the object store', () => {
  let verifier: VerifierCommand;
  let log: AttackedLog;
  let sequencer: Sequencer;

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
  }, 60_000);
  beforeEach(async () => {
    log = await AttackedLog.create(verifier);
    sequencer = log.database.start();
    await log.grow(3);
    await log.grow(4);
  }, 60_000);
  afterEach(() => log?.close());
  afterAll(() => verifier?.close());

  const nameOf = (key: string): string => `mirror ${key.slice(log.folder.length)}`;
  const deleteForGood = async (key: string): Promise<void> => {
    for (const { versionId } of await log.store.versions(log.bucket, key)) await log.store.delete(log.bucket, key, versionId);
  };
  const goesOn = async (): Promise<void> => {
    await log.grow(2);
    expect(sequencer.frozen).toBeUndefined();
  };

  attack('a mirrored tile replaced, deleted, hidden or put a newer version over', () => {
    it('is found by fsck: a newer version, a delete marker, other bytes under its name, and none', async () => {
      const key = await log.keyOf('tile/0/000.p/7/');
      const version = await log.store.put(log.bucket, key, Buffer.alloc(7 * 32));
      expect((await log.fsck()).findings).toEqual([
        { where: nameOf(key), what: `its version ${version} is not what was written there` },
      ]);
      await log.store.delete(log.bucket, key, version);
      await log.store.delete(log.bucket, key);
      expect((await log.fsck()).findings).toEqual([{ where: nameOf(key), what: 'there is a delete marker over it' }]);
      await deleteForGood(key);
      await log.store.put(log.bucket, key, Buffer.alloc(7 * 32));
      expect((await log.fsck()).findings).toContainEqual({
        where: nameOf(key),
        what: 'no version of it holds what was written there',
      });
    }, 60_000);

    it('is found by fsck when it is gone for good, and costs nothing: it is derived from the entries', async () => {
      const key = await log.keyOf('tile/0/000.p/7/');
      await deleteForGood(key);
      expect((await log.fsck()).findings).toEqual([{ where: 'mirror tile/0/000.p/7', what: 'is missing' }]);
      await goesOn();
      await log.expectWhole();
    }, 60_000);
  });

  attack('a mirrored checkpoint replaced, deleted, hidden or put a newer version over', () => {
    it('is found by fsck, and hides nothing from the sequencer while the version beneath is there', async () => {
      const key = await log.keyOf(log.checkpointPrefix(7));
      const version = await log.store.put(log.bucket, key, Buffer.from('another'));
      expect((await log.fsck()).findings).toEqual([
        { where: nameOf(key), what: `its version ${version} is not what was written there` },
      ]);
      await log.store.delete(log.bucket, key);
      expect((await log.fsck()).findings).toContainEqual({ where: nameOf(key), what: 'there is a delete marker over it' });
      await goesOn();
    }, 60_000);

    it('is found by fsck, and freezes the log, when nothing beneath is what was written there', async () => {
      const key = await log.keyOf(log.checkpointPrefix(7));
      await deleteForGood(key);
      await log.store.put(log.bucket, key, Buffer.from('another'));
      expect((await log.fsck()).findings).toContainEqual({
        where: nameOf(key),
        what: 'no version of it holds what was written there',
      });
      expect(await log.database.untilFrozen(sequencer)).toBe(`the mirrored checkpoint ${key} is not what was written there`);
    }, 60_000);

    it('is mirrored again by the sequencer, with every tile it needs, when it is gone for good', async () => {
      await deleteForGood(await log.keyOf(log.checkpointPrefix(7)));
      await log.untilMirrored(7n);
      expect(sequencer.frozen).toBeUndefined();
      await log.expectWhole();
    }, 60_000);

    it('is found by fsck when all are gone for good, and the sequencer mirrors everything anew', async () => {
      await log.database.stop(sequencer);
      for (const { key } of await log.store.versions(log.bucket, log.folder)) await deleteForGood(key);
      expect((await log.fsck()).findings).toEqual([{ where: 'mirror', what: 'there is no checkpoint of this log in it' }]);
      sequencer = log.database.start();
      await log.untilMirrored(7n);
      await log.expectWhole();
    }, 60_000);
  });

  attack('a checkpoint of another key or another tree put into the mirror', () => {
    it('is found by fsck, and freezes the log when it would be the newest', async () => {
      const origin = log.database.verifier.name;
      const put = async (size: number, skey: string): Promise<string> => {
        const note = signCheckpoint({ origin, size: BigInt(size), root: new Uint8Array(32) }, parseSigner(skey));
        const name = `${log.checkpointPrefix(size)}${sha256(note)}`;
        await log.store.put(log.bucket, `${log.folder}${name}`, Buffer.from(note));
        return `mirror ${name}`;
      };
      const older = await put(2, log.database.signingKey);
      expect((await log.fsck()).findings).toEqual([
        { where: older, what: 'the first 2 entries do not have the root that was mirrored' },
      ]);
      const newer = await put(9, generateNoteKey(origin).skey);
      expect((await log.fsck()).findings).toContainEqual({
        where: newer,
        what: expect.stringMatching(/^it is not a checkpoint of this log/),
      });
      expect(await log.database.untilFrozen(sequencer)).toMatch(/^the mirrored checkpoint of 9 entries is not ours/);
      await log.expectNothingMoves();
    }, 60_000);

    it('with the right key over another tree, as large as the newest, freezes the log', async () => {
      const checkpoint = { origin: log.database.verifier.name, size: 7n, root: new Uint8Array(32) };
      const note = signCheckpoint(checkpoint, parseSigner(log.database.signingKey));
      await log.store.put(log.bucket, `${log.folder}${log.checkpointPrefix(7)}${sha256(note)}`, Buffer.from(note));
      expect(await log.database.untilFrozen(sequencer)).toBe('the first 7 entries no longer have the root that was signed');
    }, 60_000);
  });

  attack('an original replaced, deleted, hidden or put a newer version over', () => {
    const evidence = (): string => log.database.config.S3_EVIDENCE_BUCKET;
    const sealed = async (file: Buffer): Promise<{ key: string; versionId: string; where: string; name: string }> => {
      await log.database.store.ensureBucket(evidence(), { mode: 'GOVERNANCE', days: 1 });
      const key = `recordings/${randomUUID()}`;
      const version = await log.database.store.put(evidence(), key, FILE, 'video/mp4');
      const until = new Date(Date.now() + 48 * 3_600_000);
      await log.database.store.retainUntil(version, until, 'GOVERNANCE');
      const event: EventOf<'recording.sealed'> = {
        type: 'recording.sealed',
        ...{ size: FILE.length, bucket: evidence(), key, versionId: version.versionId, method: 'dock-key', parent: null },
        retainUntil: until.toISOString(),
        sha256: sha256(file),
      };
      const by = { kind: 'system', id: null, name: 'test' } as const;
      const id = await log.database.unitOfWork.run((tx) => log.database.custody.append(tx, randomUUID(), event, by));
      const { index } = await log.database.log.sequenced(id);
      return { key, versionId: version.versionId, where: `entry ${index}`, name: `its original ${evidence()}/${key}` };
    };

    it('is found by fsck: a newer version, a delete marker, and none', async () => {
      const { key, versionId, where, name } = await sealed(FILE);
      await log.expectWhole('--originals', 'hash');
      const newer = await log.store.put(evidence(), key, OTHER);
      expect((await log.fsck()).findings).toEqual([{ where, what: `${name} has a newer version over it` }]);
      await log.store.delete(evidence(), key, newer);
      await log.store.delete(evidence(), key);
      expect((await log.fsck()).findings).toEqual([{ where, what: `${name} has a delete marker over it` }]);
      await log.store.delete(evidence(), key, versionId);
      const gone = { where, what: `${name} is not in the store in the version that was sealed` };
      expect((await log.fsck()).findings).toEqual([gone]);
      // The same bytes again are not the version that was sealed.
      await log.store.put(evidence(), key, FILE);
      expect((await log.fsck()).findings).toEqual([gone]);
    }, 60_000);

    it('is found by fsck that reads it when its bytes are others under the same version', async () => {
      // What a store does whose disks are written to beside it: the version is there, as large as it was, with other bytes.
      const { where, name } = await sealed(OTHER);
      await log.expectWhole();
      expect((await log.fsck('--originals', 'hash')).findings).toEqual([
        { where, what: `${name} is not the file that was sealed` },
      ]);
    }, 60_000);
  });
});
