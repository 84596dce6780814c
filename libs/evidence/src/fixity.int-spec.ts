import { randomBytes } from 'node:crypto';
import '@nestjs/core';
import { PutObjectRetentionCommand, S3Client } from '@aws-sdk/client-s3';
import { StoreAdministrator } from '../../fsck/src/testing/store-administrator.js';
import { Alert } from './alert.entity.js';
import { FixityCheck } from './fixity-check.entity.js';
import type { Recording } from './recording.entity.js';
import { whyNotDisposable } from './disposition.rules.js';
import type { EvidenceDatabase as Database } from './testing/evidence-database.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { EvidenceDatabase } = await import('./testing/evidence-database.js');

const DAY = 86_400_000;
const PERIOD = 180;

describe('a stored recording that is hashed again', () => {
  let database: Database;
  let administrator: StoreAdministrator;
  let s3: S3Client;
  const going = (): { readonly signal: AbortSignal; readonly progress: () => void } => ({
    signal: new AbortController().signal,
    progress: () => undefined,
  });

  beforeAll(async () => {
    database = await EvidenceDatabase.create();
    administrator = new StoreAdministrator(database.config);
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
    await database.rows("UPDATE fixity_checks SET ended_at = now(), outcome = 'verified' WHERE ended_at IS NULL");
    await database.rows('UPDATE recordings SET fixity_failed_at = now() WHERE fixity_failed_at IS NULL');
    await database.rows('UPDATE alerts SET acknowledged_at = now()');
  });
  afterAll(async () => {
    s3?.destroy();
    administrator?.close();
    await database?.close();
  });

  /** Orders a check and runs it as the worker does. */
  const check = async ({ id }: Recording): Promise<FixityCheck> => {
    const checks = database.fixityEvery(PERIOD);
    const ordered = await checks.order(id);
    await database.fixityProcessor(checks).run(ordered.id, going());
    return database.unitOfWork.reader.findOneByOrFail(FixityCheck, { id: ordered.id });
  };
  const alertsOf = (recordingId: string): Promise<Alert[]> => database.unitOfWork.reader.findBy(Alert, { recordingId });
  const eventsOf = async ({ id }: Recording): Promise<string[]> => (await database.eventsOf(id)).map(({ type }) => type);
  const retain = (recording: Recording, retention: { Mode?: 'GOVERNANCE'; RetainUntilDate?: Date }): Promise<unknown> =>
    s3.send(
      new PutObjectRetentionCommand({
        Bucket: recording.bucket,
        Key: recording.key,
        VersionId: recording.versionId ?? '',
        Retention: retention,
        BypassGovernanceRetention: true,
      }),
    );

  it('is verified, on record, and due again after the period', async () => {
    const recording = await database.sealed();
    expect(await check(recording)).toMatchObject({ outcome: 'verified', problem: null });
    expect((await database.eventsOf(recording.id)).at(-1)).toEqual({
      type: 'fixity.verified',
      event: { size: recording.size, versionId: recording.versionId, method: expect.stringMatching(/read back whole/) },
    });
    const after = await database.recording(recording.id);
    expect(after.fixityCheckedAt).not.toBeNull();
    expect(after.fixityDueAt?.getTime()).toBeGreaterThan(Date.now());
    expect(after.fixityDueAt?.getTime()).toBeLessThanOrEqual(Date.now() + PERIOD * DAY);
    expect(await alertsOf(recording.id)).toEqual([]);
    expect(whyNotDisposable(after)).toBeUndefined();
  }, 30_000);

  it.each([
    [
      "has other bytes under its version, as a store's disks can be written to",
      (): Promise<Recording> => {
        const bytes = randomBytes(1000);
        return database.sealed(bytes, Buffer.from(bytes).reverse());
      },
      /^The stored version's SHA-256 is/,
    ],
    [
      'is shorter',
      (): Promise<Recording> => {
        const bytes = randomBytes(1000);
        return database.sealed(bytes, bytes.subarray(1));
      },
      /^The stored version has 999 bytes; 1000 were sealed\.$/,
    ],
    [
      "was deleted by the store's administrator, who put another over it",
      async (): Promise<Recording> => {
        const recording = await database.sealed();
        await administrator.put(recording.bucket, recording.key, randomBytes(recording.size));
        await administrator.delete(recording.bucket, recording.key, recording.versionId ?? '');
        return recording;
      },
      /no longer has the version/,
    ],
    [
      'was locked for less long',
      async (): Promise<Recording> => {
        const recording = await database.sealed();
        await retain(recording, { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 3_600_000) });
        return recording;
      },
      /^The stored version is what was sealed, but its lock ends on/,
    ],
  ] as const)(
    'is found when it %s: on record, alerted, and its disposition frozen for good',
    async (_, tampered, problem) => {
      const recording = await tampered();
      expect(await check(recording)).toMatchObject({ outcome: 'failed', problem: expect.stringMatching(problem) });
      const failed = (await database.eventsOf(recording.id)).at(-1);
      expect(failed).toMatchObject({ type: 'fixity.failed', event: { problem: expect.stringMatching(problem) } });
      expect(failed?.event['found']).toEqual(
        /no longer has/.test(problem.source) ? null : expect.stringMatching(/^[0-9a-f]{64}$/),
      );
      expect(await alertsOf(recording.id)).toMatchObject([{ kind: 'fixity-failed', detail: expect.stringMatching(problem) }]);
      const frozen = await database.recording(recording.id);
      expect(whyNotDisposable(frozen)).toMatch(/failed a fixity check/);
      expect((await database.fixityEvery(PERIOD).standing()).failed).toBe(1);
    },
    30_000,
  );

  it('stays frozen when a later check finds it in order again: somebody was at it', async () => {
    const recording = await database.sealed();
    await retain(recording, { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 3_600_000) });
    expect(await check(recording)).toMatchObject({ outcome: 'failed' });
    const { fixityFailedAt } = await database.recording(recording.id);
    await retain(recording, { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 72 * 3_600_000) });
    expect(await check(recording)).toMatchObject({ outcome: 'verified' });
    expect(await eventsOf(recording)).toEqual(['recording.sealed', 'fixity.failed', 'fixity.verified']);
    expect((await database.recording(recording.id)).fixityFailedAt).toEqual(fixityFailedAt);
  }, 30_000);

  it('is left alone by a newer version over it, or a delete marker: those are not what was sealed', async () => {
    const recording = await database.sealed();
    await administrator.put(recording.bucket, recording.key, randomBytes(10));
    await administrator.delete(recording.bucket, recording.key);
    expect(await check(recording)).toMatchObject({ outcome: 'verified' });
  }, 30_000);

  it('stays as it is while the store cannot be reached: nothing is on record, and the job is tried again', async () => {
    const recording = await database.sealed();
    const checks = database.fixityEvery(PERIOD);
    const { id } = await checks.order(recording.id);
    const nowhere = database.fixityProcessor(checks, database.storeAt('http://127.0.0.1:9'));
    await expect(nowhere.run(id, going())).rejects.toThrow(/did not answer/);
    expect(await eventsOf(recording)).toEqual(['recording.sealed']);
    expect(await database.recording(recording.id)).toMatchObject({ fixityCheckedAt: null, fixityFailedAt: null });
    await expect(database.fixityProcessor(checks).run(id, { ...going(), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await database.fixityProcessor(checks).run(id, going());
    expect(await eventsOf(recording)).toEqual(['recording.sealed', 'fixity.verified']);
  }, 30_000);

  it('is on record once, however often the job runs, also at the same time', async () => {
    const bytes = randomBytes(1000);
    const recording = await database.sealed(bytes, Buffer.from(bytes).reverse());
    const checks = database.fixityEvery(PERIOD);
    const orders = await Promise.all([1, 2, 3, 4].map(() => checks.order(recording.id)));
    expect(new Set(orders.map(({ id }) => id)).size).toBe(1);
    const id = orders[0]?.id ?? '';
    expect((await database.openJobs('fixity')).filter((ref) => ref === id)).toHaveLength(1);
    const processor = database.fixityProcessor(checks);
    await Promise.all([1, 2, 3].map(() => processor.run(id, going())));
    await processor.run(id, going());
    expect(await eventsOf(recording)).toEqual(['recording.sealed', 'fixity.failed']);
    expect(await alertsOf(recording.id)).toHaveLength(1);
    expect((await checks.order(recording.id)).id).not.toBe(id);
  }, 30_000);

  it('cannot be ordered for what is not sealed, or not there', async () => {
    const { id } = await database.receiving(randomBytes(10));
    await expect(database.fixityEvery(PERIOD).order(id)).rejects.toMatchObject({ status: 409, code: 'not-sealed' });
    await expect(database.fixityEvery(PERIOD).order('00000000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      status: 404,
    });
  });

  it('gets its time also when it was sealed before there were checks, and an earlier one when the period becomes shorter', async () => {
    const { id } = await database.sealed();
    expect((await database.recording(id)).fixityDueAt).toBeNull();
    const long = database.fixityEvery(PERIOD);
    expect(await long.plan()).toBe(1);
    expect(await long.plan()).toBe(0);
    const first = (await database.recording(id)).fixityDueAt?.getTime() ?? 0;
    expect(first).toBeGreaterThan(Date.now());
    const short = database.fixityEvery(0.001);
    expect(await short.plan()).toBe(first > Date.now() + 86_400 ? 1 : 0);
    expect((await database.recording(id)).fixityDueAt?.getTime()).toBeLessThanOrEqual(Date.now() + 86_400);
  }, 30_000);

  it('waits in the table while many are open, and is late for health after a tenth of the period', async () => {
    const recordings = await Promise.all(Array.from({ length: 25 }, () => database.sealed(randomBytes(100))));
    const checks = database.fixityEvery(PERIOD);
    await checks.plan();
    expect(await checks.openDue()).toBe(0);
    expect(await checks.standing()).toEqual({ failed: 0, overdue: 0 });
    database.clock.aheadMs = PERIOD * DAY;
    expect(await checks.plan()).toBe(0);
    const opened = await Promise.all([checks.openDue(), checks.openDue(), checks.openDue()]);
    expect(opened.reduce((sum, each) => sum + each)).toBe(20);
    expect(await checks.openDue()).toBe(0);
    expect(await database.openJobs('fixity')).toHaveLength(20 + (await doneElsewhere(recordings)));
    const open = await database.rows<{ id: string }>('SELECT id FROM fixity_checks WHERE ended_at IS NULL ORDER BY due_at');
    const processor = database.fixityProcessor(checks);
    for (const { id } of open.slice(0, 3)) await processor.run(id, going());
    expect(await checks.openDue()).toBe(3);
    database.clock.aheadMs = PERIOD * DAY * 1.2;
    const { failed, overdue } = await checks.standing();
    expect(failed).toBe(0);
    // All that were not checked, and those of the three that are due again soon.
    expect(overdue).toBeGreaterThanOrEqual(22);
    expect(overdue).toBeLessThanOrEqual(25);
  }, 60_000);

  /** Jobs of other tests whose rows nobody marks as done here. */
  const doneElsewhere = async (recordings: readonly Recording[]): Promise<number> => {
    const [row] = await database.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM outbox o JOIN fixity_checks c ON c.id = o.ref WHERE o.job = 'fixity' AND NOT c.recording_id = ANY($1)`,
      [recordings.map(({ id }) => id)],
    );
    return row?.n ?? 0;
  };
});
