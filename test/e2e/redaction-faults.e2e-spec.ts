import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { fsck } from './command-line.js';
import { countsOn, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { boxOver, orderRedaction, readRedaction, settledRedaction } from './redacting.js';
import { asSuperuser, isHeld } from './superuser.js';
import { playable } from './watching.js';

const CLIP = { out: '', camera: 'TEST-CAMERA-1', seconds: 6, width: 480, height: 270, fps: 15 } as const;
const PLAN = { v: 1, regions: [boxOver(CLIP, 5900)], mutes: [{ fromMs: 1000, toMs: 2000, reason: 'name' }] };
const FFMPEG = process.env['FFMPEG_PATH'] || 'ffmpeg';
/** How often the worker is killed at random during a redaction. */
const KILLS = Number(process.env['CUSTODIET_REDACTION_KILLS'] ?? '3');

describe('faults of redacting', () => {
  let stack: Stack;
  let folder: string;
  let author: Enrolled;
  let reviewer: Enrolled;
  let auditor: HttpClient;
  let original: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-faulty-ffmpeg-'));
    await mend();
    // The wrapper starts a program that the sandbox would not show it where ffmpeg is not the system's.
    const faulty = { FFMPEG_PATH: join(folder, 'ffmpeg'), MEDIA_SANDBOX: 'off', JOB_STARTS: '1000' };
    const [started, clip] = await Promise.all([startStack(faulty), clipBytes(CLIP)]);
    stack = started;
    const administrator = await stack.signIn('administrator');
    [author, reviewer] = await Promise.all([enrol(administrator, ['custodian']), enrol(administrator, ['custodian'])]);
    auditor = await stack.signIn('auditor');
    ({ recording: original } = await (await TestDock.enrol(administrator)).upload('stop.mp4', clip));
    await playable(auditor, original);
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** An ffmpeg that first does something else. */
  async function wrap(first: string): Promise<void> {
    await writeFile(join(folder, 'ffmpeg'), `#!/bin/sh\n${first}\nexec "${FFMPEG}" "$@"\n`);
    await chmod(join(folder, 'ffmpeg'), 0o755);
  }
  const mend = async (): Promise<void> => wrap(':');
  /** Draws no mask, and reports success. */
  const breakMasks = async (): Promise<void> =>
    wrap('for mask in *.ass; do if [ -f "$mask" ]; then sed -i "/^Dialogue/d" "$mask"; fi; done');

  const derived = async (): Promise<number> =>
    asSuperuser(stack.database, async (db) => {
      const { rows } = await db.query<{ n: number }>('SELECT count(*)::int AS n FROM recordings WHERE parent_id = $1', [
        original,
      ]);
      return rows[0]?.n ?? -1;
    });

  it('a rendering that leaks is never sealed, says in which frame and where, and goes on once its cause is mended', async () => {
    await breakMasks();
    const { id } = await orderRedaction(author.http, original, PLAN);
    const failed = await settledRedaction(auditor, id);
    expect(failed).toMatchObject({ state: 'failed', result: null });
    const place = /Region 1 is not covered in \d+ frames, first in frame 0 at 0\.000 s: \d+ pixels around \(\d+, \d+\)/;
    expect(failed.failure).toMatch(place);
    const { event } = await entryOn(auditor, original, 'redaction.failed', ({ redaction }) => redaction === id);
    expect(event).toMatchObject({ version: 1, problem: expect.stringMatching(place) });
    expect(await derived()).toBe(0);
    const approval = { version: 1, verdict: 'approved' };
    expect((await reviewer.http.post(`/api/redactions/${id}/review`, approval)).expect(409).problem()).toMatchObject({
      type: 'urn:custodiet:redaction-not-now',
      state: 'failed',
    });
    (await reviewer.http.post(`/api/redactions/${id}/release`)).expect(409);

    await mend();
    const [job] = await eventually('the job is parked', async () => {
      const { jobs } = (await author.http.get<{ jobs: { id: string }[] }>('/api/jobs?job=redact&state=parked')).expect(200).body;
      return jobs.length > 0 && jobs;
    });
    (await author.http.post(`/api/jobs/${job?.id ?? ''}/retry`)).expect(200, 202, 204);
    await eventually('it is taken up again', async () => (await readRedaction(auditor, id)).state !== 'failed');
    expect(await settledRedaction(auditor, id)).toMatchObject({ state: 'rendered', version: 1, failure: null });
    expect(await derived()).toBe(1);
  }, 120_000);

  it(
    'a redaction has one result, and a correct one, although the worker is killed at random while it is made',
    async () => {
      const before = await derived();
      const began = Date.now();
      const ordered = [(await orderRedaction(author.http, original, PLAN)).id];
      await settledRedaction(auditor, ordered[0] ?? '');
      const undisturbedMs = Date.now() - began;

      const begin = async (): Promise<string> => {
        const { id, renderings } = await orderRedaction(author.http, original, PLAN);
        ordered.push(id);
        return renderings[0]?.id ?? '';
      };
      let rendering = await begin();
      for (let kills = 0; kills < KILLS; kills += 1) {
        const held = await asSuperuser(stack.database, (db) =>
          eventually(
            'the worker is at it, or through',
            async () => {
              if (await isHeld(db, 'redact', rendering)) return 'held';
              return (await readRedaction(auditor, ordered.at(-1) ?? '')).state === 'rendering' ? undefined : 'through';
            },
            { everyMs: 5, withinMs: 60_000 },
          ),
        );
        // Killed late enough before to be finished, and on record: the next one takes its place.
        if (held === 'through') rendering = await begin();
        await setTimeout(Math.random() * undisturbedMs);
        await stack.kill('worker');
        await stack.restart('worker');
      }

      for (const id of ordered) {
        const done = await settledRedaction(auditor, id);
        expect(done).toMatchObject({ state: 'rendered', failure: null });
        const sealed = await entryOn(auditor, original, 'redaction.sealed', ({ redaction }) => redaction === id);
        expect(sealed.event).toMatchObject({ result: done.result, planSha256: done.planSha256 });
        expect(sealed.event['leakCheck']).toMatch(/every region of every frame/);
        await playable(auditor, done.result ?? '');
      }
      expect(await derived()).toBe(before + ordered.length);
      expect((await countsOn(auditor, original))['redaction.sealed']).toBe(before + ordered.length);
      // The same plan, source and tool give the same bytes, however often it was begun.
      const digests = await asSuperuser(stack.database, async (db) => {
        const query = "SELECT DISTINCT encode(sha256, 'hex') AS sha256 FROM recordings WHERE parent_id = $1";
        return (await db.query<{ sha256: string }>(query, [original])).rows;
      });
      expect(digests).toHaveLength(1);
      const { code, report } = await fsck(stack.env, stack.logKey);
      expect({ code, findings: report.findings }).toEqual({ code: 0, findings: [] });
    },
    120_000 + KILLS * 30_000,
  );
});
