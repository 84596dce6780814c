import { randomUUID } from 'node:crypto';
import type { JobAnswer, RecordingAnswer, RedactionAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { countsOn, entryOn } from './custody-chain.js';
import { enrol } from './enrolled-people.js';
import { forgetJobs, jobAbout } from './job-queue.js';
import { ffmpegOf, jobFolders, stillRunning } from './process-inspection.js';
import { asSuperuser } from './superuser.js';
import { playable } from './watching.js';

const CANCELLED = 'It was cancelled; the custody record says by whom and why.';
const REASON = { reason: 'the wrong recording' };

describe('background jobs', () => {
  let stack: Stack;
  let custodian: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let short: Buffer;
  /** Takes a while to transcode, so that there is a middle. */
  let long: Buffer;

  beforeAll(async () => {
    [stack, short, long] = await Promise.all([
      startStack(),
      clipBytes({ seconds: 2 }),
      clipBytes({ seconds: 25, width: 640, height: 360, fps: 30 }),
    ]);
    [custodian, auditor] = await Promise.all([stack.signIn('custodian'), stack.signIn('auditor')]);
    dock = await TestDock.enrol(await stack.signIn('administrator'));
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function playback(id: string): Promise<RecordingAnswer['playback']> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body.playback;
  }

  /** @returns the processes that work on it */
  async function transcoding(id: string): Promise<number[]> {
    await jobAbout(auditor, id, 'transcode', ({ state }) => state === 'running');
    return eventually(
      'ffmpeg runs',
      async () => {
        const found = await ffmpegOf(stack.worker);
        return found.length > 0 && found;
      },
      { everyMs: 20 },
    );
  }

  const cancel = (client: HttpClient, { id }: JobAnswer, body: unknown = REASON): ReturnType<HttpClient['post']> =>
    client.post(`/api/jobs/${id}/cancel`, body);
  const retry = (client: HttpClient, { id }: JobAnswer): ReturnType<HttpClient['post']> => client.post(`/api/jobs/${id}/retry`);

  it('say how far they are, are ended when they are cancelled, with what they had started, and go on record; tried again they are done', async () => {
    const { recording: id } = await dock.upload('cancelled.mp4', variantOf(long));
    const children = await transcoding(id);
    const running = await jobAbout(auditor, id, 'transcode', ({ percent }) => (percent ?? 0) > 0);
    expect(running).toMatchObject({ state: 'running', recording: id, ref: id, failures: 0, lastError: null, endedAt: null });
    expect(Number.isInteger(running.percent)).toBe(true);
    expect(running.secondsLeft).toBeGreaterThanOrEqual(0);

    (await cancel(custodian, running)).expect(202);
    await eventually('its ffmpeg has ended', async () => (await stillRunning(children)).length === 0, { everyMs: 20 });
    await eventually('it is visible that there is no playback copy', async () => (await playback(id))?.state === 'failed');
    expect(await playback(id)).toEqual({ state: 'failed', reason: CANCELLED });
    await eventually('nothing is left of it', async () => (await jobFolders(stack.env['WORK_DIR'] ?? '')).length === 0);
    const entry = await entryOn(auditor, id, 'job.cancelled');
    expect(entry.event).toMatchObject({ job: 'transcode', ref: id, ...REASON });
    expect((await cancel(custodian, running)).expect(409).problem().type).toBe('urn:custodiet:job-over');

    (await retry(custodian, running)).expect(202);
    await eventually('it can be played', async () => (await playback(id))?.state === 'ready', { withinMs: 60_000 });
    const once = { 'job.cancelled': 1, 'job.retried': 1, 'rendition.failed': 1, 'rendition.published': 1 };
    await eventually('it is on record', async () => (await countsOn(auditor, id))['rendition.published'] === 1);
    expect(await countsOn(auditor, id)).toMatchObject(once);
    expect(await jobAbout(auditor, id, 'transcode')).toMatchObject({ state: 'done', percent: 100, secondsLeft: null });
    expect((await retry(custodian, running)).expect(409).problem().type).toBe('urn:custodiet:job-not-over');
  }, 120_000);

  it('that take their worker with them twice are parked where people see them, and hold nobody up', async () => {
    const { recording: id } = await dock.upload('poison.mp4', variantOf(long));
    for (let death = 1; death <= 2; death++) {
      await transcoding(id);
      await stack.kill('worker');
      // PostgreSQL takes a moment to see that the connection is gone that held the job.
      await jobAbout(auditor, id, 'transcode', ({ state }) => state === 'waiting');
      // Else Redis gives the job to nobody for another quarter of a minute.
      await forgetJobs(stack);
      await stack.restart('worker');
    }
    const parked = await jobAbout(auditor, id, 'transcode', ({ state }) => state === 'parked');
    expect(parked.lastError).toMatch(/^The worker ended twice while it was at it/);
    expect(await playback(id)).toMatchObject({ state: 'failed', reason: parked.lastError });
    const { jobs } = (await auditor.get<{ jobs: JobAnswer[] }>('/api/jobs?state=parked')).expect(200).body;
    expect(jobs.map((job) => job.id)).toEqual([parked.id]);
    await playable(auditor, (await dock.upload('after-poison.mp4', variantOf(short))).recording);
  }, 180_000);

  it('that render a redaction fail it visibly when they are cancelled, on the record of the recording', async () => {
    const { recording: id } = await dock.upload('redacted.mp4', variantOf(long));
    await cancel(custodian, await jobAbout(auditor, id, 'transcode'));
    const plan = { v: 1, regions: [], mutes: [{ fromMs: 0, toMs: 500, reason: 'name' }] };
    const ordered = await custodian.post<RedactionAnswer>(`/api/recordings/${id}/redactions`, { plan, reason: 'for the public' });
    const { id: redaction } = ordered.expect(202).body;
    const job = await jobAbout(custodian, id, 'redact', ({ state }) => state === 'running');
    (await cancel(custodian, job)).expect(202);
    const failed = await eventually('the redaction has failed', async () => {
      const { body } = (await custodian.get<RedactionAnswer>(`/api/redactions/${redaction}`)).expect(200);
      return body.state === 'failed' && body;
    });
    expect(JSON.stringify(failed)).toContain(CANCELLED);
    expect((await entryOn(auditor, id, 'job.cancelled', ({ job: kind }) => kind === 'redact')).event).toMatchObject(REASON);
  }, 60_000);

  it('make no playback copy of other bytes than those that were sealed', async () => {
    const { recording: id } = await dock.upload('altered.mp4', variantOf(long));
    const job = await jobAbout(auditor, id, 'transcode');
    await cancel(custodian, job);
    await eventually('it was given up', async () => (await playback(id))?.state === 'failed');
    // From within, the bytes of a locked version cannot be changed; what they are to be can, by whoever owns the database.
    await asSuperuser(stack.database, (db) => db.query("UPDATE recordings SET sha256 = sha256('other') WHERE id = $1", [id]));
    (await retry(custodian, job)).expect(202);
    const parked = await jobAbout(auditor, id, 'transcode', ({ state }) => state === 'parked');
    expect(parked.lastError).toBe('The stored original no longer has its SHA-256.');
    expect(await playback(id)).toEqual({ state: 'failed', reason: parked.lastError });
  }, 60_000);

  it('are not for whom the recording shows to cancel', async () => {
    const shown = await enrol(await stack.signIn('administrator'), ['custodian'], 'S-78');
    const { recording: id } = await dock.upload('shown.mp4', variantOf(long), { officer: 'S-78' });
    const job = await jobAbout(auditor, id, 'transcode');
    expect((await cancel(shown.http, job)).expect(403).problem()).toMatchObject({ reason: 'subject-of-request' });
    await entryOn(auditor, id, 'access.refused', (e) => e['action'] === 'job.cancel' && e['reason'] === 'subject-of-request');
  }, 60_000);

  it('are not everybody’s to cancel, nor is every one of them to be cancelled', async () => {
    const { recording: id } = await dock.upload('sealed.mp4', variantOf(short));
    const sealing = await jobAbout(auditor, id, 'seal', ({ state }) => state === 'done');
    expect((await cancel(custodian, sealing)).expect(409).problem()).toMatchObject({
      type: 'urn:custodiet:job-not-cancellable',
      detail: 'A recording that has arrived is always sealed or quarantined: sealing cannot be cancelled.',
    });
    (await cancel(auditor, sealing)).expect(403);
    expect((await entryOn(auditor, id, 'access.refused')).event).toMatchObject({ action: 'job.cancel', reason: 'role' });
    for (const body of [null, {}, { reason: '' }, { reason: 'no' }, { reason: 'enough said', job: 'seal' }])
      (await cancel(custodian, sealing, body)).expect(400);
    (await custodian.post(`/api/jobs/${randomUUID()}/retry`)).expect(404);
    for (const query of ['state=lost', 'job=probe', 'recording=7', 'after=x', 'limit=0', 'limit=201', 'state=done&state=parked'])
      (await auditor.get(`/api/jobs?${query}`)).expect(400);
  }, 60_000);
});
