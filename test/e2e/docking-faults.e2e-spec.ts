import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestDock } from '../support/dock.js';
import { DatabasePath } from '../support/database-path.js';
import { required } from '../support/fresh-database.js';
import type { Hold } from '../support/hold.js';
import { signIn, type HttpClient } from '../support/http.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { UnreliableLink } from '../support/unreliable-link.js';
import { UnreliableStore } from '../support/unreliable-store.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { fsck } from './command-line.js';
import { countsOn, entryOn } from './custody-chain.js';
import { DockApp } from './dock-app.js';
import { forgetJobs } from './job-queue.js';
import { expectSealedOnce } from './sealed-once.js';

const MIB = 2 ** 20;

/** The rest of "can be killed …", and how to wait there. */
type Step = readonly [when: string, hold: () => Hold];

describe('docking while processes die', () => {
  let stack: Stack;
  let database: DatabasePath;
  let store: UnreliableStore;
  let link: UnreliableLink;
  let auditor: HttpClient;
  let dock: TestDock;
  let app: DockApp;
  let folder: string;
  let clip: Buffer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-app-'));
    [database, store] = await Promise.all([
      DatabasePath.to(required('DATABASE_URL')),
      UnreliableStore.to(required('S3_ENDPOINT')),
    ]);
    [stack, clip] = await Promise.all([
      startStack((env) => ({ PART_SIZE_MIB: '5', S3_ENDPOINT: store.url, ...database.through(env) })),
      clipBytes({ seconds: 1 }),
    ]);
    link = await UnreliableLink.to(stack.url);
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    app = await DockApp.enrol(await signIn(link.url, accountOf(stack.seedAccounts, 'administrator')), folder);
  }, 300_000);
  afterEach(() => {
    store.recover();
    database.recover();
  });
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([link?.close(), store?.cut(), database?.cut()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('custodiet-dock, run again and again, finishes its upload although the API is killed at every step of it', async () => {
    const bytes = variantOf(clip, 16 * MIB);
    const path = join(folder, 'killed-api.mp4');
    await writeFile(path, bytes);
    const steps: readonly Step[] = [
      ['before the announcement is committed', () => database.hold(/INSERT INTO "recordings"/, 'before')],
      ['when the announcement is committed and not answered', () => database.hold(/INSERT INTO "recordings"/, 'after')],
      ['with half a part received', () => link.holdAfter(3 * MIB)],
      ['when the store has begun an upload of which nothing is on record', () => store.hold('CreateMultipartUpload', 'after')],
      ['with half a part handed to the store', () => store.hold('UploadPart', 'midway')],
      ['when the store has a part of which nothing is on record', () => store.hold('UploadPart', 'after')],
      ['when a part is on record and not answered', () => database.hold(/INSERT INTO "?upload_parts/, 'after')],
      ['before the completion is committed', () => database.hold(/INSERT INTO outbox/, 'before')],
      ['when the completion is committed and not answered', () => database.hold(/INSERT INTO outbox/, 'after')],
    ];
    for (const [when, holdAt] of steps) {
      const hold = holdAt();
      const upload = app.upload(path, '--patience', '0');
      await hold.reached(`the API can be killed ${when}`);
      await stack.kill('api');
      expect(await upload).toMatchObject({ code: 75 });
      await stack.restart('api');
    }
    const { code, outcomes, stderr } = await app.upload(path);
    expect({ code, outcomes, stderr }).toMatchObject({ code: 0, outcomes: [{ state: 'sealed' }] });
    const { recording = '', receipt = '' } = outcomes[0] ?? {};
    await expectSealedOnce(stack, auditor, { recording, bytes, receipt: await readFile(receipt, 'utf8') });
  }, 600_000);

  /** Kills the worker at each of those moments in turn, and starts it again to come to the next. */
  async function killWorkerAt(steps: readonly Step[]): Promise<void> {
    let hold = steps[0]?.[1]();
    for (const [index, [when]] of steps.entries()) {
      await hold?.reached(`the worker can be killed ${when}`);
      await stack.kill('worker');
      // Before the restart: the worker may be there again sooner than we are.
      hold = steps[index + 1]?.[1]();
      // Else each step would wait until the queue takes its worker for dead.
      await forgetJobs(stack);
      await stack.restart('worker');
    }
  }

  it('a recording is sealed once although the worker is killed at every step of sealing it', async () => {
    const bytes = variantOf(clip, 11 * MIB);
    const { recording } = await dock.send('killed-worker.mp4', bytes);
    const killed = killWorkerAt([
      ['before the store has made one object of the parts', () => store.hold('CompleteMultipartUpload', 'before')],
      ['when the store has made it and nothing of it is on record', () => store.hold('CompleteMultipartUpload', 'after')],
      ['before it is on record which version that is', () => database.hold(/UPDATE .*"version_id" = /s, 'before')],
      ['while it reads back what is stored', () => store.hold('GetObject', 'midway')],
      ['before the version is retained', () => store.hold('PutObjectRetention', 'before')],
      ['when the version is retained and it has not been told', () => store.hold('PutObjectRetention', 'after')],
      ['before the sealing is committed', () => database.hold(/UPDATE .*"sealed_at" = /s, 'before')],
      ['when the sealing is committed and it has not been told', () => database.hold(/UPDATE .*"sealed_at" = /s, 'after')],
    ]);
    (await dock.complete(recording)).expect(202);
    await killed;
    expect((await dock.settled(recording)).state).toBe('sealed');
    await expectSealedOnce(stack, auditor, { recording, bytes, receipt: (await dock.receipt(recording)).expect(200).text });
  }, 600_000);

  it('a recording is quarantined once although the worker is killed before and after', async () => {
    const stated = dock.describe('other-bytes.mp4', variantOf(clip));
    const [file] = (await dock.announce(dock.manifestOf([stated]))).expect(200).body.files;
    const { recording = '' } = file ?? {};
    (await dock.putPart(recording, 1, variantOf(clip))).expect(204);
    const killed = killWorkerAt([
      ['before the quarantine is committed', () => database.hold(/UPDATE .*"reason" = /s, 'before')],
      ['when the quarantine is committed and it has not been told', () => database.hold(/UPDATE .*"reason" = /s, 'after')],
    ]);
    (await dock.complete(recording)).expect(202);
    await killed;
    expect((await dock.settled(recording)).state).toBe('quarantined');
    await entryOn(auditor, recording, 'recording.quarantined');
    expect(await countsOn(auditor, recording)).toEqual({ 'recording.announced': 1, 'recording.quarantined': 1 });
  }, 200_000);

  it('leaves a log that is consistent after all of this', async () => {
    expect(await fsck(stack.env, stack.logKey)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
  });
});
