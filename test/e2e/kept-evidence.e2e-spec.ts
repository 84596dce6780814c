import { loadConfig } from '#platform';
import { ObjectStore, type MultipartUpload } from '#storage';
import { StoreAdministrator } from '../../libs/fsck/src/testing/store-administrator.js';
import type { RecordingAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';
import { asSuperuser } from './superuser.js';

const MIB = 2 ** 20;

interface AlertAnswer {
  readonly id: string;
  readonly kind: string;
  readonly recording: string;
  readonly detail: string;
  readonly acknowledgedAt: string | null;
  readonly note: string | null;
}
interface AlertsAnswer {
  readonly alerts: readonly AlertAnswer[];
  readonly next: string | null;
}
interface CheckAnswer {
  readonly id: string;
  readonly endedAt: string | null;
  readonly outcome: 'verified' | 'failed' | null;
  readonly problem: string | null;
}

describe('evidence that is kept', () => {
  let stack: Stack;
  let custodian: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let clip: Buffer;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5' }), clipBytes({ seconds: 3 })]);
    [custodian, auditor] = await Promise.all([stack.signIn('custodian'), stack.signIn('auditor')]);
    dock = await TestDock.enrol(await stack.signIn('administrator'));
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  const alertOf = (recording: string): Promise<AlertAnswer> =>
    eventually(`an alert about ${recording}`, async () => {
      const { alerts } = (await custodian.get<AlertsAnswer>('/api/alerts?open=true&limit=200')).expect(200).body;
      return alerts.find((alert) => alert.recording === recording);
    });
  const recordingOf = async (id: string): Promise<RecordingAnswer & { fixity: Record<string, string | null> }> =>
    (await auditor.get<RecordingAnswer & { fixity: Record<string, string | null> }>(`/api/recordings/${id}`)).expect(200).body;
  const sql = (statement: string, id: string): Promise<void> =>
    asSuperuser(stack.database, async (client) => void (await client.query(statement, [id])));
  /** Puts the recording's announcement and its parts ten days back. */
  const abandon = async (id: string): Promise<void> => {
    await sql("UPDATE upload_parts SET received_at = now() - interval '10 days' WHERE recording_id = $1", id);
    await sql("UPDATE recordings SET announced_at = now() - interval '10 days' WHERE id = $1", id);
  };

  describe('an upload that a dock never went on with', () => {
    it('expires, is alerted, and comes in whole when the dock announces it again by the same manifest', async () => {
      const bytes = variantOf(clip, 6 * MIB);
      const note = dock.manifestOf([dock.describe('abandoned.mp4', bytes)]);
      const [file] = (await dock.announce(note)).expect(200).body.files;
      const { recording: first, partSize } = file!;
      (await dock.putPart(first, 1, bytes.subarray(0, partSize))).expect(204);
      await abandon(first);
      expect(await alertOf(first)).toMatchObject({ kind: 'upload-expired', detail: expect.stringMatching(/1 of its 2 parts/) });
      expect((await dock.status(first)).expect(200).body).toMatchObject({
        state: 'expired',
        reason: expect.stringMatching(/Announce the file again/),
      });
      const late = await dock.putPart(first, 2, bytes.subarray(partSize));
      expect(late.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:not-receiving', state: 'expired' });
      expect((await dock.complete(first)).expect(202).body.state).toBe('expired');
      expect((await entryOn(auditor, first, 'upload.expired')).event).toMatchObject({ partsReceived: 1, partsMissing: 1 });
      const listed = await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?state=expired');
      expect(listed.expect(200).body.recordings.map(({ id }) => id)).toContain(first);

      const again = await Promise.all([dock.announce(note), dock.announce(note)]);
      const [second, other] = again.map((answer) => answer.expect(200).body.files[0]!.recording);
      expect(second).toBe(other);
      expect(second).not.toBe(first);
      for (const part of [1, 2])
        (await dock.putPart(second!, part, bytes.subarray((part - 1) * partSize, part * partSize))).expect(204);
      (await dock.complete(second!)).expect(202);
      expect((await dock.settled(second!)).state).toBe('sealed');
      expect(await countsOn(auditor, first)).toEqual({ 'recording.announced': 1, 'upload.expired': 1 });
      await eventually('the store has dropped what came first', () =>
        asSuperuser(stack.database, async (client) => {
          const { rows } = await client.query<{ upload_id: string | null }>('SELECT upload_id FROM recordings WHERE id = $1', [
            first,
          ]);
          return rows[0]?.upload_id === null;
        }),
      );
    }, 60_000);

    it('is sealed when all of it had arrived and only its completion was lost', async () => {
      const { recording } = await dock.send('forgotten.mp4', variantOf(clip));
      await abandon(recording);
      expect((await dock.settled(recording)).state).toBe('sealed');
    }, 60_000);
  });

  describe('an upload that the store dropped by itself', () => {
    it('is quarantined with a reason instead of being tried for ever, and its file may come again', async () => {
      const bytes = variantOf(clip);
      const { recording } = await dock.send('dropped.mp4', bytes);
      const { S3_ENDPOINT: endpoint, S3_REGION: region, ...config } = loadConfig('api', { ...stack.env });
      const keys = { accessKeyId: config.S3_ACCESS_KEY_ID, secretAccessKey: config.S3_SECRET_ACCESS_KEY };
      const store = new ObjectStore({ endpoint, region, ...keys });
      const [at] = await asSuperuser(stack.database, async (client) => {
        const query = 'SELECT bucket, key, upload_id AS "uploadId" FROM recordings WHERE id = $1';
        return (await client.query<MultipartUpload>(query, [recording])).rows;
      });
      await store.abortMultipart(at!);
      store.close();
      (await dock.complete(recording)).expect(202);
      const settled = await dock.settled(recording);
      expect(settled).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/no longer has the parts/) });
      expect(await alertOf(recording)).toMatchObject({ kind: 'quarantined', detail: settled.reason });
      expect((await dock.upload('dropped.mp4', bytes)).state).toBe('sealed');
    }, 60_000);
  });

  describe('an alert', () => {
    it("is raised for a file whose name lies about what it is, and taking note of it is on the recording's record once", async () => {
      const settled = await dock.upload('lying.avi', variantOf(clip));
      expect(settled).toMatchObject({
        state: 'quarantined',
        reason: "The file's name ends in .avi, which stands for AVI video, but it holds MP4 or QuickTime video.",
      });
      const alert = await alertOf(settled.recording);
      expect(alert).toMatchObject({ kind: 'quarantined', detail: settled.reason, acknowledgedAt: null, note: null });

      const path = `/api/alerts/${alert.id}/acknowledge`;
      const note = 'Renamed by the exporter; asked for the original.';
      const answers = await Promise.all([1, 2, 3].map(() => custodian.post<AlertAnswer>(path, { note })));
      for (const answer of answers) expect(answer.expect(200).body).toEqual(answers[0]!.body);
      expect(answers[0]!.body).toMatchObject({ id: alert.id, note, acknowledgedAt: expect.any(String) });
      expect((await custodian.post(path, { note: 'another note' })).expect(409).problem().type).toBe(
        'urn:custodiet:alert-acknowledged',
      );
      const administrator = await stack.signIn('administrator');
      expect((await administrator.post(path, { note })).expect(409).problem().type).toBe('urn:custodiet:alert-acknowledged');

      expect((await entryOn(auditor, settled.recording, 'alert.acknowledged')).event).toEqual({
        alert: alert.id,
        kind: 'quarantined',
        note,
      });
      expect((await countsOn(auditor, settled.recording))['alert.acknowledged']).toBe(1);
      const closed = (await auditor.get<AlertsAnswer>('/api/alerts?open=false')).expect(200).body.alerts;
      expect(closed.map(({ id }) => id)).toEqual([alert.id]);
    }, 60_000);

    it('is listed newest first, page by page', async () => {
      await dock.upload('no-video-1.mp4', Buffer.from('no video, one'));
      await dock.upload('no-video-2.mp4', Buffer.from('no video, two'));
      const all = (await auditor.get<AlertsAnswer>('/api/alerts')).expect(200).body.alerts.map(({ id }) => id);
      expect(all).toEqual([...all].sort().reverse());
      const paged: string[] = [];
      for (let next: string | null = ''; next !== null;) {
        const page: AlertsAnswer = (
          await auditor.get<AlertsAnswer>(`/api/alerts?limit=1${next === '' ? '' : `&after=${next}`}`)
        ).expect(200).body;
        paged.push(...page.alerts.map(({ id }) => id));
        next = page.next;
      }
      expect(paged).toEqual(all);
      for (const query of ['open=yes', 'limit=0', 'limit=201', 'after=1', 'unknown=1'])
        expect((await auditor.get(`/api/alerts?${query}`)).expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    }, 60_000);
  });

  describe('a sealed recording', () => {
    const ended = async (recording: string, id?: string): Promise<CheckAnswer> =>
      eventually('the fixity check has ended', async () => {
        const { checks } = (await auditor.get<{ checks: CheckAnswer[] }>(`/api/recordings/${recording}/fixity-checks`)).expect(
          200,
        ).body;
        return checks.find((check) => check.endedAt !== null && (id === undefined || check.id === id));
      });

    it('is hashed again when that is due', async () => {
      const { recording } = await dock.upload('due.mp4', variantOf(clip));
      const due = Date.parse((await recordingOf(recording)).fixity['dueAt'] ?? '');
      expect(due).toBeGreaterThan(Date.now());
      expect(due).toBeLessThanOrEqual(Date.now() + 180 * 86_400_000);
      await sql('UPDATE recordings SET fixity_due_at = now() WHERE id = $1', recording);
      expect(await ended(recording)).toMatchObject({ outcome: 'verified', problem: null });
      await entryOn(auditor, recording, 'fixity.verified');
      const { fixity } = await recordingOf(recording);
      expect(fixity).toMatchObject({ checkedAt: expect.any(String), failedAt: null });
      expect(Date.parse(fixity['dueAt'] ?? '')).toBe(due);
    }, 60_000);

    it('that was deleted behind our back is found by a check that an auditor orders: on record, alerted, listed, in health', async () => {
      const { recording } = await dock.upload('deleted.mp4', variantOf(clip));
      const sealed = (await entryOn(auditor, recording, 'recording.sealed')).event;
      const administrator = new StoreAdministrator(loadConfig('api', { ...stack.env }));
      try {
        const { bucket, key, versionId } = sealed as Record<'bucket' | 'key' | 'versionId', string>;
        await administrator.put(bucket, key, Buffer.from('something else'));
        await administrator.delete(bucket, key, versionId);
      } finally {
        administrator.close();
      }
      const path = `/api/recordings/${recording}/fixity-checks`;
      const orders = await Promise.all([1, 2].map(() => auditor.post<CheckAnswer>(path)));
      const [ordered] = orders.map((answer) => answer.expect(202).body.id);
      expect(await ended(recording, ordered)).toMatchObject({
        outcome: 'failed',
        problem: expect.stringMatching(/no longer has/),
      });
      expect((await entryOn(auditor, recording, 'fixity.failed')).event).toMatchObject({ found: null });
      expect(await alertOf(recording)).toMatchObject({ kind: 'fixity-failed' });
      expect((await recordingOf(recording)).fixity['failedAt']).toEqual(expect.any(String));
      const listed = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?fixity=failed')).expect(200).body;
      expect(listed.recordings.map(({ id }) => id)).toEqual([recording]);
      // The worker is well: what it found is no fault of its own.
      const health = await fetch(`${stack.worker.url}/health/ready`);
      expect(health.status).toBe(200);
      expect(await health.json()).toMatchObject({ details: { fixity: { status: 'up', failed: 1, overdue: 0 } } });
      expect(stack.worker.log).toMatch(/no longer what was sealed/);
      expect(stack.worker.log).not.toMatch(/deleted\.mp4|TEST-CAMERA-1/);

      // Long overdue checks are a fault of its own.
      await sql('UPDATE fixity_checks SET ended_at = NULL, outcome = NULL, problem = NULL WHERE recording_id = $1', recording);
      await sql(
        "UPDATE recordings SET fixity_failed_at = NULL, fixity_due_at = now() - interval '30 days' WHERE id = $1",
        recording,
      );
      const red = await eventually('health is red', async () => {
        const answer = await fetch(`${stack.worker.url}/health/ready`);
        return answer.status === 503 ? answer : undefined;
      });
      expect(await red.json()).toMatchObject({ dependencies: { fixity: { status: 'down', overdue: 1 } } });
    }, 60_000);

    it('is the only kind that can be checked', async () => {
      const { recording } = await dock.upload('never.mp4', Buffer.from('never a video'));
      expect((await custodian.post(`/api/recordings/${recording}/fixity-checks`)).expect(409).problem()).toMatchObject({
        type: 'urn:custodiet:not-sealed',
        state: 'quarantined',
      });
      expect((await chainOf(auditor, recording)).map(({ type }) => type)).not.toContain('fixity.verified');
    }, 60_000);
  });
});
