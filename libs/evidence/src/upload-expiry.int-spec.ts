import { randomBytes } from 'node:crypto';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { DropUploadProcessor } from './upload-expiry.processor.js';
import { Alert } from './alert.entity.js';
import type { EvidenceDatabase as Database } from './testing/evidence-database.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { EvidenceDatabase } = await import('./testing/evidence-database.js');

const MIB = 2 ** 20;
const HOUR = 3_600_000;

describe('an upload that nobody goes on with', () => {
  let database: Database;
  let s3: S3Client;
  const bytes = (): Buffer => randomBytes(11 * MIB);

  beforeAll(async () => {
    database = await EvidenceDatabase.create({ PART_SIZE_MIB: '5', UPLOAD_IDLE_HOURS: '24' });
    const {
      S3_ENDPOINT: endpoint,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    } = database.config;
    s3 = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
  }, 60_000);
  afterEach(async () => {
    database.clock.aheadMs = 0;
    await database.rows("UPDATE recordings SET state = 'expired' WHERE state = 'receiving'");
  });
  afterAll(async () => {
    s3?.destroy();
    await database?.close();
  });

  const openUploads = async (key: string): Promise<number> => {
    const list = new ListMultipartUploadsCommand({ Bucket: database.config.S3_EVIDENCE_BUCKET, Prefix: key });
    return (await s3.send(list)).Uploads?.length ?? 0;
  };
  const alertsOf = (recordingId: string): Promise<Alert[]> => database.unitOfWork.reader.findBy(Alert, { recordingId });
  const countOf = async (id: string, type: string): Promise<number> =>
    (await database.eventsOf(id)).filter((each) => each.type === type).length;

  it('expires with its reason, an entry and an alert, and the store drops what it has of it', async () => {
    const file = bytes();
    const { id, key } = await database.receiving(file);
    await database.send(await database.recording(id), 2, file);
    expect(await database.expiry.candidates()).toEqual([]);
    expect(await openUploads(key)).toBe(1);

    database.clock.aheadMs = 25 * HOUR;
    expect(await database.expiry.candidates()).toEqual([id]);
    expect(await database.expiry.settle(id)).toBe('expired');
    const expired = await database.recording(id);
    expect(expired).toMatchObject({
      state: 'expired',
      reason: expect.stringMatching(/^Nothing of it arrived after .*; 2 of its 3 parts were still missing\. Announce .*\.$/),
    });
    const [{ received_at: at } = { received_at: new Date(0) }] = await database.rows<{ received_at: Date }>(
      'SELECT received_at FROM upload_parts WHERE recording_id = $1',
      [id],
    );
    expect((await database.eventsOf(id)).at(-1)).toMatchObject({
      type: 'upload.expired',
      event: { partsReceived: 1, partsMissing: 2, idleSince: at.toISOString() },
    });
    expect(await alertsOf(id)).toMatchObject([{ kind: 'upload-expired', detail: expired.reason, acknowledgedAt: null }]);
    expect(await database.expiry.candidates()).toEqual([]);
    expect(await database.expiry.settle(id)).toBe('going on');

    // Asked for in the same transaction, so a worker that dies here leaves it to the next.
    expect(await database.openJobs('drop-upload')).toContain(id);
    const drop = new DropUploadProcessor(database.unitOfWork, database.store);
    const nowhere = new DropUploadProcessor(database.unitOfWork, database.storeAt('http://127.0.0.1:9'));
    await expect(nowhere.run(id)).rejects.toThrow(/did not answer/);
    expect((await database.recording(id)).uploadId).toBe(expired.uploadId);
    await drop.run(id);
    expect(await openUploads(key)).toBe(0);
    expect((await database.recording(id)).uploadId).toBeNull();
    await drop.run(id);
    await expect(database.send(expired, 1, file)).rejects.toMatchObject({ code: 'not-receiving', members: { state: 'expired' } });
    expect(await openUploads(key)).toBe(0);
  }, 30_000);

  it('goes on as long as parts arrive, however long ago it was announced', async () => {
    const file = bytes();
    const { id } = await database.receiving(file);
    await database.rows("UPDATE recordings SET announced_at = now() - interval '10 days' WHERE id = $1", [id]);
    expect(await database.expiry.candidates()).toEqual([id]);
    await database.send(await database.recording(id), 1, file);
    expect(await database.expiry.candidates()).toEqual([]);
    // Also when it was found before the part came.
    expect(await database.expiry.settle(id)).toBe('going on');
  }, 30_000);

  it('is sealed, not thrown away, when all of it is here and only nobody said so', async () => {
    const file = bytes();
    const { id } = await database.receiving(file);
    for (const part of [1, 2, 3]) await database.send(await database.recording(id), part, file);
    const empty = await database.receiving(Buffer.alloc(0));
    database.clock.aheadMs = 25 * HOUR;
    for (const whole of [id, empty.id]) {
      expect(await database.expiry.settle(whole)).toBe('completed');
      expect((await database.recording(whole)).state).toBe('sealing');
      expect(await database.openJobs('seal')).toContain(whole);
      expect(await alertsOf(whole)).toEqual([]);
    }
  }, 30_000);

  it('expires once when several workers find it', async () => {
    const { id } = await database.receiving(bytes());
    database.clock.aheadMs = 25 * HOUR;
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => database.expiry.settle(id)));
    expect(outcomes.sort()).toEqual(['expired', ...Array.from({ length: 5 }, () => 'going on')]);
    expect([await countOf(id, 'upload.expired'), (await alertsOf(id)).length]).toEqual([1, 1]);
  }, 30_000);

  it('either takes a part that arrives at the same moment or tells its sender that it is over', async () => {
    for (let round = 0; round < 12; round++) {
      const file = randomBytes(5 * MIB + 1);
      const { id } = await database.receiving(file);
      await database.rows("UPDATE recordings SET announced_at = now() - interval '10 days' WHERE id = $1", [id]);
      const sent = database.send(await database.recording(id), 2, file).then(
        () => 'taken',
        (error: { code?: string }) => error.code,
      );
      const settled = new Promise((resolve) => setTimeout(resolve, round * 20)).then(() => database.expiry.settle(id));
      const outcome = [await sent, await settled];
      const rows = await database.rows('SELECT FROM upload_parts WHERE recording_id = $1', [id]);
      expect([
        ['taken', 'going on', 1],
        ['not-receiving', 'expired', 0],
      ]).toContainEqual([...outcome, rows.length]);
    }
  }, 60_000);
});
