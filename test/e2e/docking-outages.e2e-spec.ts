import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { UploadAnswer } from '../support/answers.js';
import { DatabasePath } from '../support/database-path.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { required } from '../support/fresh-database.js';
import { signIn, type Answer, type HttpClient } from '../support/http.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { UnreliableLink } from '../support/unreliable-link.js';
import { UnreliableStore } from '../support/unreliable-store.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { fsck } from './command-line.js';
import { DockApp } from './dock-app.js';
import { expectSealedOnce } from './sealed-once.js';

const MIB = 2 ** 20;

/** "Down for a minute" is CUSTODIET_OUTAGE_SECONDS=60, "at random for ten minutes" CUSTODIET_LINK_SECONDS=600. */
const OUTAGE_MS = 1000 * Number(process.env['CUSTODIET_OUTAGE_SECONDS'] ?? 10);
const LINK_MS = 1000 * Number(process.env['CUSTODIET_LINK_SECONDS'] ?? 20);
const LINK_SEED = Number(process.env['CUSTODIET_LINK_SEED'] ?? Date.now() % 1_000_000);
/** "Slow" is CUSTODIET_SLOW_STORE_MS=5000. */
const SLOW_MS = Number(process.env['CUSTODIET_SLOW_STORE_MS'] ?? 500);

/** How often the S3 client asks before it gives up. */
const S3_TRIES = 3;

describe('docking while services fail', () => {
  let stack: Stack;
  let database: DatabasePath;
  let store: UnreliableStore;
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
    auditor = await stack.signIn('auditor');
    const administrator = await stack.signIn('administrator');
    dock = await TestDock.enrol(administrator);
    app = await DockApp.enrol(administrator, folder);
  }, 180_000);
  afterEach(async () => {
    store.recover();
    await Promise.all([store.mend(), database.mend()]);
  });
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([store?.cut(), database?.cut()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function announced(bytes: Uint8Array): Promise<UploadAnswer> {
    const [file] = (await dock.announce(dock.manifestOf([dock.describe('clip.mp4', bytes)]))).expect(200).body.files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    return file;
  }

  async function sealedOnce(recording: string, bytes: Uint8Array): Promise<void> {
    expect((await dock.settled(recording)).state).toBe('sealed');
    await expectSealedOnce(stack, auditor, { recording, bytes, receipt: (await dock.receipt(recording)).expect(200).text });
  }

  /** That the dock is told to come again, and when. RFC 9110 §10.2.3 */
  function expectComeAgain(answer: Answer<unknown>): void {
    expect(answer.expect(503).problem().detail).toMatch(/^[A-Z].{10,}\.$/);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }

  async function written(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(folder, name);
    await mkdir(folder, { recursive: true });
    await writeFile(path, bytes);
    return path;
  }

  /** Runs it while `meanwhile` happens: the dock must end well by itself. */
  async function uploadDuring(meanwhile: () => Promise<void>): Promise<void> {
    const bytes = variantOf(clip, 12 * MIB);
    const path = await written('during.mp4', bytes);
    const [{ code, outcomes, stderr }] = await Promise.all([app.upload(path), meanwhile()]);
    expect({ code, outcomes, stderr }).toMatchObject({ code: 0, outcomes: [{ state: 'sealed' }] });
    const { recording = '', receipt = '' } = outcomes[0] ?? {};
    await expectSealedOnce(stack, auditor, { recording, bytes, receipt: await readFile(receipt, 'utf8') });
  }

  describe('the object store', () => {
    it('answers 500 after having stored: the dock is told to come again, and the recording is sealed all the same', async () => {
      const bytes = variantOf(clip);
      const { recording } = await announced(bytes);
      for (const call of ['CreateMultipartUpload', 'UploadPart'] as const) {
        store.answer([call], S3_TRIES, 'after', 500, 'InternalError');
        expectComeAgain(await dock.putPart(recording, 1, bytes));
        expect(store.faultsLeft).toBe(0);
        expect((await dock.status(recording)).body).toMatchObject({ state: 'receiving', partsReceived: [] });
      }
      (await dock.putPart(recording, 1, bytes)).expect(204);
      for (const call of ['CompleteMultipartUpload', 'PutObjectRetention'] as const)
        store.answer([call], S3_TRIES, 'after', 500, 'InternalError');
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
    });

    it('hangs up in the middle of a part, and of reading a recording back', async () => {
      const bytes = variantOf(clip, 6 * MIB);
      const { recording, partSize } = await announced(bytes);
      store.reset('UploadPart', S3_TRIES, 'midway');
      expectComeAgain(await dock.putPart(recording, 1, bytes.subarray(0, partSize)));
      (await dock.putPart(recording, 1, bytes.subarray(0, partSize))).expect(204);
      (await dock.putPart(recording, 2, bytes.subarray(partSize))).expect(204);
      store.reset('GetObject', 1, 'midway');
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
      expect(store.faultsLeft).toBe(0);
    });

    it('is full: the dock is told to come again, and all is sealed when there is room', async () => {
      const bytes = variantOf(clip);
      const { recording } = await announced(bytes);
      // As AWS, MinIO and Ceph say it.
      for (const [status, code] of [
        [507, 'InsufficientStorage'],
        [507, 'XMinioStorageFull'],
        [403, 'QuotaExceeded'],
      ] as const) {
        store.answer(['CreateMultipartUpload', 'UploadPart'], Infinity, 'before', status, code);
        expectComeAgain(await dock.putPart(recording, 1, bytes));
        expect((await dock.status(recording)).body).toMatchObject({ state: 'receiving', partsReceived: [] });
        store.recover();
      }
      (await dock.putPart(recording, 1, bytes)).expect(204);
      store.answer(['CompleteMultipartUpload'], 1, 'before', 403, 'QuotaExceeded');
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
    });

    it('is down, and custodiet-dock waits and finishes when it is back', async () => {
      await store.cut();
      const bytes = variantOf(clip);
      const { recording } = await announced(bytes);
      expectComeAgain(await dock.putPart(recording, 1, bytes));
      await uploadDuring(async () => {
        await wait(OUTAGE_MS / 4);
        await store.mend();
      });
      expect([stack.api.isRunning, stack.worker.isRunning]).toEqual([true, true]);
    }, 60_000);

    it('is slow, and everything is sealed, only later', async () => {
      store.latencyMs = SLOW_MS;
      store.bytesPerSecond = (2 * MIB * 500) / SLOW_MS;
      const bytes = variantOf(clip, 512 * 1024);
      const { recording } = await dock.send('slow.mp4', bytes);
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
    }, 180_000);
  });

  it(
    'the database is down for a while: docks are told to come again, and nothing is lost',
    async () => {
      const [toComplete, toAnnounce] = [variantOf(clip), variantOf(clip)];
      const { recording: waiting } = await dock.send('waiting.mp4', toComplete);
      const note = dock.manifestOf([dock.describe('announced.mp4', toAnnounce)]);
      await uploadDuring(async () => {
        await database.cut();
        const back = wait(OUTAGE_MS).then(() => database.mend());
        for (const answer of [
          await dock.announce(note),
          await dock.complete(waiting),
          await dock.putPart(waiting, 1, toComplete),
        ])
          expectComeAgain(answer);
        await back;
      });
      const answers = async (): Promise<boolean> => (await dock.status(waiting)).status === 200;
      await eventually('the API answers again', answers);
      (await dock.complete(waiting)).expect(202);
      await sealedOnce(waiting, toComplete);
      const [file] = (await dock.announce(note)).expect(200).body.files;
      const { recording = '' } = file ?? {};
      (await dock.putPart(recording, 1, toAnnounce)).expect(204);
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, toAnnounce);
      for (const each of [stack.api, stack.worker]) await each.ready();
    },
    180_000 + OUTAGE_MS,
  );

  // Again with the same seed: CUSTODIET_LINK_SEED
  it(
    `the link of three docks is cut at random for ${LINK_MS / 1000} s (seed ${LINK_SEED}), and all they hold is sealed`,
    async () => {
      const link = await UnreliableLink.to(stack.url, LINK_SEED);
      try {
        const administrator = await signIn(link.url, accountOf(stack.seedAccounts, 'administrator'));
        const folders = [1, 2, 3].map((n) => join(folder, `dock-${n}`));
        for (const each of folders) await mkdir(each);
        const apps = await Promise.all(folders.map((each) => DockApp.enrol(administrator, each)));
        link.trouble();
        let over = false;
        const trouble = wait(LINK_MS).then(async () => {
          await link.calm();
          over = true;
        });
        const shifts = async (by: DockApp, place: string): Promise<void> => {
          while (!over) await shift(by, place);
        };
        await Promise.all([trouble, ...apps.map((each, i) => shifts(each, folders[i] ?? ''))]);
        expect(link.cuts).toBeGreaterThan(LINK_MS / 2000);
      } finally {
        await link.close();
      }
    },
    LINK_MS + 180_000,
  );

  /** A camera's files go up, however often custodiet-dock has to be run for it. */
  async function shift(by: DockApp, place: string): Promise<void> {
    const files = [300_000, 6 * MIB, 11 * MIB].map((extra) => variantOf(clip, extra));
    const paths = files.map((_, n) => join(place, `${n}.mp4`));
    await Promise.all(files.map((bytes, n) => writeFile(paths[n] ?? '', bytes)));
    let ended = await by.upload(...paths, '--patience', '5');
    while (ended.code === 75) ended = await by.upload(...paths, '--patience', '5');
    expect({ ...ended, stdout: '' }).toMatchObject({ code: 0, outcomes: paths.map((file) => ({ file, state: 'sealed' })) });
    for (const [n, { recording = '', receipt = '' }] of ended.outcomes.entries()) {
      const bytes = files[n] ?? Buffer.alloc(0);
      await expectSealedOnce(stack, auditor, { recording, bytes, receipt: await readFile(receipt, 'utf8') });
    }
  }

  it('leaves a log that is consistent after all of this', async () => {
    expect(await fsck(stack.env, stack.logKey)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
  });
});
