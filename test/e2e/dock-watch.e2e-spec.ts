import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseVerifier, verifyReceipt } from '#tlog';
import type { RecordingAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { countsOn } from './custody-chain.js';
import { DockApp } from './dock-app.js';

const MIB = 2 ** 20;
/**
 * How long files go on coming, and how often the API is restarted meanwhile. The long form, five minutes and 20 s:
 * CUSTODIET_WATCH_SECONDS=300 CUSTODIET_WATCH_RESTART_SECONDS=20 npm test -- dock-watch
 */
const COPY_SECONDS = Number(process.env['CUSTODIET_WATCH_SECONDS'] ?? 25);
const RESTART_SECONDS = Number(process.env['CUSTODIET_WATCH_RESTART_SECONDS'] ?? 6);
const PIECE = 2 * MIB;
/** A new file so often: the five minutes make some 120 files of 14 MiB on average. */
const FILE_EVERY_MS = 2500;

interface Told {
  readonly file: string;
  readonly state: string;
  readonly sha256?: string;
  readonly recording?: string;
  readonly receipt?: string;
  readonly trouble?: string;
}

describe('custodiet-dock watch', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let folder: string;
  let app: DockApp;
  let clip: Buffer;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5' }), clipBytes({ seconds: 2 })]);
    auditor = await stack.signIn('auditor');
    folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-watch-'));
    app = await DockApp.enrol(await stack.signIn('administrator'), folder);
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** Of the files as they are now: one that was taken too early, because its copy paused, was begun again as another. */
  async function status(): Promise<readonly Told[]> {
    const { stdout } = await app.run('status', '--all', '--json');
    const told = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Told);
    return told.filter(({ state }) => state !== 'changed');
  }

  /** As a camera's card is copied: into folders, in pieces, one file after the other. @returns SHA-256 by path */
  async function copyFiles(into: string, untilMs: number): Promise<ReadonlyMap<string, string>> {
    const copied = new Map<string, string>();
    const beganMs = performance.now();
    for (let n = 1; performance.now() < untilMs; n += 1) {
      const card = join(into, `card-${String(n % 4)}`, 'DCIM');
      await mkdir(card, { recursive: true });
      const bytes = variantOf(clip, (4 + 5 * (n % 5)) * MIB);
      const path = join(card, `clip-${String(n)}.mp4`);
      for (let at = 0; at < bytes.length; at += PIECE) {
        await appendFile(path, bytes.subarray(at, at + PIECE));
        await delay(100);
      }
      await delay(Math.max(0, beganMs + n * FILE_EVERY_MS - performance.now()));
      copied.set(path, createHash('sha256').update(bytes).digest('hex'));
    }
    return copied;
  }

  /** By turns gracefully and by SIGKILL. @returns how often */
  async function restartApi(untilMs: number): Promise<number> {
    let times = 0;
    for (; performance.now() < untilMs; times += 1) {
      await delay(RESTART_SECONDS * 1000);
      if (times % 2 === 0) await stack.kill('api');
      await stack.restart('api');
    }
    return times;
  }

  it(
    'brings in every file that is copied into its folder, once and whole, although the API is restarted all the while',
    async () => {
      const [cards, receipts] = [join(folder, 'cards'), join(folder, 'receipts')];
      await mkdir(cards);
      const flags = ['--settle', '4', '--camera', 'TEST-CAMERA-1', '--officer', '4711', '--receipts', receipts];
      const watch = app.start('watch', cards, ...flags);
      const untilMs = performance.now() + COPY_SECONDS * 1000;
      const [copied, restarts] = await Promise.all([copyFiles(cards, untilMs), restartApi(untilMs)]);
      expect(restarts).toBeGreaterThanOrEqual(2);

      const isDone = async (): Promise<boolean> => {
        const told = await status();
        return told.length >= copied.size && told.every(({ state }) => state === 'sealed');
      };
      const withinMs = 60_000 + COPY_SECONDS * 1000;
      await eventually('every file is sealed', isDone, { withinMs, everyMs: 500 }).catch(async (error: unknown) => {
        watch.child.kill('SIGTERM');
        throw new Error(`${String(error)}\n${JSON.stringify(await status())}\n${(await watch.ended).stderr}`);
      });
      watch.child.kill('SIGTERM');
      expect(await watch.ended).toMatchObject({ code: 0 });

      const told = await status();
      expect(told.map(({ file }) => file).sort()).toEqual([...copied.keys()].sort());
      expect(await app.run('verify-receipts', receipts)).toMatchObject({ code: 0 });
      const { recordings } = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?limit=200')).expect(200).body;
      for (const { file, recording = '', receipt = '' } of told) {
        const sha256 = createHash('sha256')
          .update(await readFile(file))
          .digest('hex');
        expect(sha256).toBe(copied.get(file));
        expect(recordings.filter((each) => each.sha256 === sha256).map(({ id, state }) => [id, state])).toEqual([
          [recording, 'sealed'],
        ]);
        verifyReceipt(await readFile(receipt, 'utf8'), { logKey: parseVerifier(stack.logKey), sha256, recording });
        expect(await countsOn(auditor, recording)).toMatchObject({ 'recording.announced': 1, 'recording.sealed': 1 });
      }
      expect(recordings).toHaveLength(copied.size);
    },
    (2 * COPY_SECONDS + 240) * 1000,
  );
});
