import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseVerifier, verifyReceipt } from '#tlog';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { required } from '../support/fresh-database.js';
import type { HttpClient } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { fsck } from './command-line.js';
import { countsOn } from './custody-chain.js';
import { DockApp } from './dock-app.js';
import { enrol } from './enrolled-people.js';
import { forgetJobs } from './job-queue.js';
import { ffmpegOf, freePort, jobFolders, stillRunning } from './process-inspection.js';
import { SeverablePath } from './severable-path.js';
import { asSuperuser, cutConnections, failuresOf, isHeld, partsOf } from './superuser.js';
import { ask, grant, playable } from './watching.js';

const MIB = 2 ** 20;
const HANDED_BACK_WITHIN_MS = 30_000;

/** One of each, whatever happened meanwhile. */
const ONCE = { 'recording.announced': 1, 'recording.sealed': 1, 'rendition.published': 1 };

describe('faults', () => {
  let stack: Stack;
  let redis: SeverablePath;
  let auditor: HttpClient;
  let dock: TestDock;
  /** Quick to seal and to transcode. */
  let short: Buffer;
  /** Takes a while to transcode, so that there is a middle. */
  let long: Buffer;

  beforeAll(async () => {
    redis = await SeverablePath.to(required('REDIS_URL'));
    [stack, short, long] = await Promise.all([
      startStack({ PART_SIZE_MIB: '5', REDIS_URL: redis.url }),
      clipBytes({ seconds: 3 }),
      clipBytes({ seconds: 40, width: 640, height: 360, fps: 30 }),
    ]);
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(await stack.signIn('administrator'));
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await redis?.cut();
  }, 60_000);

  async function recording(id: string): Promise<RecordingAnswer> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  }

  async function transcoding(id: string): Promise<void> {
    const begun = async (): Promise<boolean> =>
      (await recording(id)).playback?.state === 'pending' && (await ffmpegOf(stack.worker)).length > 0;
    await eventually(`recording ${id} is being transcoded`, begun, { withinMs: 60_000, everyMs: 50 });
  }

  /** Nothing lost, nothing twice, and a receipt that still verifies. */
  async function expectWholeAndOnce(id: string, bytes: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await playable(auditor, id);
    await eventually(
      'the playback copy is on record',
      async () => (await countsOn(auditor, id))['rendition.published'] !== undefined,
    );
    expect(await countsOn(auditor, id)).toMatchObject(ONCE);
    const { recordings } = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?limit=200')).expect(200).body;
    expect(recordings.filter((each) => each.sha256 === sha256).map((each) => each.id)).toEqual([id]);
    const receipt = (await dock.receipt(id)).expect(200);
    verifyReceipt(receipt.text, { logKey: parseVerifier(dock.logKey), sha256, recording: id });
  }

  afterEach(async () => {
    const scratch = stack.env['WORK_DIR'] ?? '';
    await eventually('no job leaves anything in the scratch space', async () => (await jobFolders(scratch)).length === 0);
  });

  it('an API that is killed in the middle of an upload goes on with it after its restart', async () => {
    const bytes = variantOf(short, 21 * MIB);
    const note = dock.manifestOf([dock.describe('killed-api.mp4', bytes)]);
    const [file] = (await dock.announce(note)).expect(200).body.files;
    const { recording: id, partSize } = file!;
    const part = (n: number): Buffer => bytes.subarray((n - 1) * partSize, n * partSize);
    (await dock.putPart(id, 1, part(1))).expect(204);
    (await dock.putPart(id, 2, part(2))).expect(204);
    const underWay = [dock.putPart(id, 3, part(3)), dock.putPart(id, 4, part(4))].map((sent) => sent.catch(() => undefined));
    await stack.kill('api');
    await Promise.all(underWay);
    await stack.restart('api');

    const again = (await dock.announce(note)).expect(200).body.files[0] as UploadAnswer;
    expect(again).toMatchObject({ recording: id, state: 'receiving' });
    expect(again.partsReceived).toEqual(expect.arrayContaining([1, 2]));
    for (const n of [1, 2, 3, 4, 5].filter((each) => !again.partsReceived.includes(each)))
      (await dock.putPart(id, n, part(n))).expect(204);
    (await dock.complete(id)).expect(202);
    await stack.kill('api');
    await stack.restart('api');
    expect((await dock.settled(id)).state).toBe('sealed');
    await expectWholeAndOnce(id, bytes);
  }, 120_000);

  it('custodiet-dock finishes its upload although the API is killed twice in the middle of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-app-'));
    try {
      const app = await DockApp.enrol(await stack.signIn('administrator'), folder);
      const bytes = variantOf(short, 60 * MIB);
      const path = join(folder, 'killed.mp4');
      await writeFile(path, bytes);
      const upload = app.upload(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      for (const parts of [2, 6]) {
        await asSuperuser(stack.database, (db) =>
          eventually(`${parts} parts have arrived`, async () => (await partsOf(db, sha256)) >= parts, { everyMs: 5 }),
        );
        await stack.kill('api');
        await stack.restart('api');
      }
      const { code, outcomes } = await upload;
      expect({ code, outcomes }).toMatchObject({ code: 0, outcomes: [{ state: 'sealed' }] });
      const { recording: id = '', receipt = '' } = outcomes[0] ?? {};
      expect(await app.run('verify-receipt', receipt, '--file', path)).toMatchObject({ code: 0 });
      await playable(auditor, id);
      await eventually(
        'the playback copy is on record',
        async () => (await countsOn(auditor, id))['rendition.published'] !== undefined,
      );
      expect(await countsOn(auditor, id)).toEqual(ONCE);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 180_000);

  it('a worker that is killed while it seals one recording and transcodes another finishes both after its restart, once', async () => {
    const [sealedBytes, transcodedBytes] = [variantOf(short, 48 * MIB), variantOf(long)];
    const { recording: toSeal } = await dock.send('killed-sealing.mp4', sealedBytes);
    const { recording: toTranscode } = await dock.upload('killed-transcoding.mp4', transcodedBytes);
    await transcoding(toTranscode);
    const orphans = await ffmpegOf(stack.worker);
    (await dock.complete(toSeal)).expect(202);
    await asSuperuser(stack.database, (db) =>
      eventually('the worker has begun to seal', () => isHeld(db, 'seal', toSeal), { everyMs: 5 }),
    );
    await stack.kill('worker');
    expect((await dock.status(toSeal)).body.state).toBe('sealing');
    expect((await recording(toTranscode)).playback?.state).toBe('pending');
    await eventually('its ffmpeg has ended with it', async () => (await stillRunning(orphans)).length === 0);
    const viewer = await enrol(await stack.signIn('administrator'), ['investigator']);
    await grant(await stack.signIn('custodian'), await ask(viewer.http, toTranscode));
    const early = await viewer.http.post(`/api/recordings/${toTranscode}/viewings`, { purpose: 'internal-investigation' });
    expect(early.expect(409).problem().type).toBe('urn:custodiet:no-rendition');

    await stack.restart('worker');
    expect((await dock.settled(toSeal)).state).toBe('sealed');
    await expectWholeAndOnce(toSeal, sealedBytes);
    await expectWholeAndOnce(toTranscode, transcodedBytes);
  }, 180_000);

  it('a worker that is told to stop hands its transcode back in time, and the next one finishes it', async () => {
    const bytes = variantOf(long);
    const { recording: id } = await dock.upload('stopped-transcoding.mp4', bytes);
    await transcoding(id);
    const children = await ffmpegOf(stack.worker);
    expect(await stack.worker.stop(HANDED_BACK_WITHIN_MS)).toBe(true);
    expect(await stillRunning(children)).toEqual([]);
    expect((await recording(id)).playback?.state).toBe('pending');
    expect(await asSuperuser(stack.database, (db) => failuresOf(db, 'transcode', id))).toBe(0);
    await stack.restart('worker');
    await expectWholeAndOnce(id, bytes);
  }, 180_000);

  it('a transcode happens although Redis forgot everything after the upload', async () => {
    const bytes = variantOf(long);
    const { recording: id } = await dock.upload('forgotten.mp4', bytes);
    await stack.kill('worker');
    expect((await recording(id)).playback?.state).not.toBe('ready');
    await forgetJobs(stack);
    await stack.restart('worker');
    await expectWholeAndOnce(id, bytes);
  }, 120_000);

  it('seals and transcodes although Redis forgets everything again and again while they run', async () => {
    const bytes = variantOf(long);
    const { recording: id } = await dock.send('forgotten-often.mp4', bytes);
    (await dock.complete(id)).expect(202);
    let forgotten = 0;
    await eventually(
      'the recording can be played',
      async () => {
        forgotten += await forgetJobs(stack);
        return (await recording(id)).playback?.state === 'ready';
      },
      { withinMs: 120_000, everyMs: 500 },
    );
    expect(forgotten).toBeGreaterThan(0);
    await expectWholeAndOnce(id, bytes);
  }, 180_000);

  it('takes uploads while Redis is away, stops in time all the same, and does the rest when Redis is back', async () => {
    const [first, second] = [variantOf(short), variantOf(short)];
    await redis.cut();
    const { recording: before } = await dock.send('without-redis.mp4', first);
    (await dock.complete(before)).expect(202);
    await stack.api.ready();
    expect(await stack.worker.stop(HANDED_BACK_WITHIN_MS)).toBe(true);
    stack.worker.start();
    const { recording: meanwhile } = await dock.send('still-without-redis.mp4', second);
    (await dock.complete(meanwhile)).expect(202);
    await redis.mend();
    await stack.worker.ready();
    await expectWholeAndOnce(before, first);
    await expectWholeAndOnce(meanwhile, second);
  }, 120_000);

  it('goes on after all its database connections were cut, at rest and at work', async () => {
    const bytes = variantOf(long);
    const { recording: id } = await dock.send('cut.mp4', bytes);
    expect(await asSuperuser(stack.database, cutConnections)).toBeGreaterThan(3);
    const answers = async (): Promise<boolean> => (await dock.status(id)).status === 200;
    await eventually('the API answers again', answers);
    (await dock.complete(id)).expect(202);
    await dock.settled(id);
    await transcoding(id);
    expect(await asSuperuser(stack.database, cutConnections)).toBeGreaterThan(3);
    await eventually('the API answers again', answers);
    await expectWholeAndOnce(id, bytes);
    expect([stack.api.isRunning, stack.worker.isRunning]).toEqual([true, true]);
    for (const each of [stack.api, stack.worker]) await each.ready();
  }, 180_000);

  it('two workers at once do each thing once, and one goes on alone when the other is killed', async () => {
    const work = await mkdtemp(join(tmpdir(), 'custodiet-second-worker-'));
    const port = await freePort();
    const env = { ...stack.env, WORKER_PORT: String(port), WORK_DIR: work };
    const second = new ProductProcess('worker', `http://127.0.0.1:${port}`, env, join(work, 'worker.log'));
    second.start();
    try {
      await second.ready();
      const files = Array.from({ length: 5 }, () => variantOf(short));
      const ids = await Promise.all(files.map(async (bytes, i) => (await dock.upload(`both-${i}.mp4`, bytes)).recording));
      for (const [i, id] of ids.entries()) await expectWholeAndOnce(id, files[i] ?? Buffer.alloc(0));

      // The first one leads the sequencing, so that the second must take over.
      await stack.kill('worker');
      const bytes = variantOf(short);
      const { recording: id } = await dock.upload('alone.mp4', bytes);
      await expectWholeAndOnce(id, bytes);
    } finally {
      await second.stop();
      await stack.restart('worker');
      await rm(work, { recursive: true, force: true });
    }
  }, 180_000);

  it('leaves a log that is consistent after all of this', async () => {
    expect(await fsck(stack.env, stack.logKey)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
  });
});
