import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeZip, encodeZip, generateNoteKey, parseVerifier } from '#tlog';
import { subjectAt } from '../clips/synthesise.js';
import type { RecordingAnswer, RedactionAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { fsck, verifyBundle } from './command-line.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';
import { enrol } from './enrolled-people.js';
import { approveAndRelease, boxOver, orderRedaction, settledRedaction } from './redacting.js';
import { asSuperuser } from './superuser.js';
import { forgeHeader, forgePayload, removeEntry, type Tampering } from './tampering.js';
import { ask, fileOf, grant, largestOf, openViewing, playable } from './watching.js';

const CLIP = { out: '', camera: 'TEST-CAMERA-1', seconds: 4, width: 320, height: 240, fps: 15 } as const;
const MUTE = { fromMs: 1000, toMs: 2000, reason: 'witness' };

const BOX = boxOver(CLIP, 3900);
const PLAN = { v: 1, regions: [BOX], mutes: [MUTE] };

describe('redaction and export', () => {
  let stack: Stack;
  let custodian: HttpClient;
  let auditor: HttpClient;
  let investigator: HttpClient;
  let dock: TestDock;
  let clip: Buffer;
  let folder: string;
  let original: string;
  let redacted: RedactionAnswer;

  beforeAll(async () => {
    [stack, clip, folder] = await Promise.all([
      startStack({ AGENCY_NAME: 'Prüfstelle Łódź' }),
      clipBytes(CLIP),
      mkdtemp(join(tmpdir(), 'custodiet-export-')),
    ]);
    [custodian, auditor, investigator] = await Promise.all([
      stack.signIn('custodian'),
      stack.signIn('auditor'),
      stack.signIn('investigator'),
    ]);
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    ({ recording: original } = await dock.upload('stop.mp4', clip, { officer: '4711' }));
    const reviewer = await enrol(await stack.signIn('administrator'), ['custodian']);
    redacted = await approveAndRelease(reviewer.http, await redact(original));
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function redact(recording: string, plan: object = PLAN): Promise<RedactionAnswer> {
    return settledRedaction(custodian, (await orderRedaction(custodian, recording, plan)).id);
  }

  async function recording(id: string): Promise<RecordingAnswer> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  }

  async function exportBundle(id: string): Promise<Buffer> {
    return (await auditor.post(`/api/recordings/${id}/evidence-bundle`)).expect(200).bytes;
  }

  async function written(name: string, bytes: Uint8Array | string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  }

  describe('a redaction', () => {
    it('is a sealed recording of its own that names its parent, with a chain of its own and a place on its parent’s', async () => {
      expect(redacted).toMatchObject({ recording: original, state: 'released', failure: null });
      const result = redacted.result ?? '';
      expect(await recording(result)).toMatchObject({
        parent: original,
        state: 'sealed',
        name: 'stop.redacted.mp4',
        officer: '4711',
      });
      expect((await recording(original)).parent).toBeNull();

      const sealed = await entryOn(auditor, result, 'recording.sealed');
      expect(sealed).toMatchObject({ seq: 0, event: { parent: original } });
      const onParent = await entryOn(auditor, original, 'redaction.sealed');
      expect(onParent.event).toMatchObject({ redaction: redacted.id, result, sha256: (await recording(result)).sha256 });
      expect((await entryOn(auditor, original, 'redaction.ordered')).event).toMatchObject({ regions: 1, mutes: 1 });
      expect(await countsOn(auditor, original)).toMatchObject({ 'redaction.ordered': 1, 'redaction.sealed': 1 });
    });

    it('leaves the original as it was', async () => {
      expect((await recording(original)).sha256).toBe(createHash('sha256').update(clip).digest('hex'));
      expect((await dock.receipt(original)).status).toBe(200);
    });

    it('is played, with the box covered, by who has a grant for it, and a grant for the original is none', async () => {
      const result = redacted.result ?? '';
      await playable(auditor, original);
      await playable(auditor, result);
      await grant(custodian, await ask(investigator, original));
      const refused = await investigator.post(`/api/recordings/${result}/viewings`, { purpose: 'internal-investigation' });
      expect(refused.expect(403).problem()).toMatchObject({ reason: 'no-grant' });
      await grant(custodian, await ask(investigator, result));
      const [before, after] = [await frameAt(original, 500), await frameAt(result, 500)];
      const { x, y, width, height } = subjectAt(CLIP, 500);
      const [middleX, middleY] = [x + Math.round(width / 2), y + Math.round(height / 2)];
      expect(before.red(middleX, middleY)).toBeGreaterThan(100);
      for (const [dx, dy] of [
        [-0.4, -0.4],
        [0.4, -0.4],
        [0, 0],
        [-0.4, 0.4],
        [0.4, 0.4],
      ] as const)
        expect(after.brightest(Math.round(middleX + dx * width), Math.round(middleY + dy * height))).toBeLessThan(40);
      expect(after.brightest(20, 120)).toBeGreaterThan(40);
    });

    it('is refused with every fault of its plan at once', async () => {
      const plan = {
        v: 1,
        regions: [
          {
            ...BOX,
            keyframes: [
              { atMs: 0, x: 300, y: 0, width: 100, height: 10 },
              { atMs: 99_000, x: 0, y: 0, width: 10, height: 10 },
            ],
          },
        ],
        mutes: [{ fromMs: 2000, toMs: 1000, reason: 'name' }],
      };
      const answer = await custodian.post(`/api/recordings/${original}/redactions`, { plan, reason: 'faulty' });
      const { type, faults } = answer.expect(422).problem();
      expect(type).toBe('urn:custodiet:plan-faulty');
      expect(faults).toEqual([
        expect.stringMatching(/Region 1, keyframe 1: it reaches outside the picture/),
        expect.stringMatching(/Region 1, keyframe 2: its time 99000 ms is beyond the end/),
        expect.stringMatching(/Mute 1 is empty/),
      ]);
      const nothing = await custodian.post(`/api/recordings/${original}/redactions`, {
        plan: { v: 1, regions: [], mutes: [] },
        reason: 'faulty',
      });
      expect(nothing.expect(422).problem().faults).toEqual(['The plan covers nothing, mutes nothing and cuts nothing.']);
      expect((await countsOn(auditor, original))['redaction.ordered']).toBe(1);
    });

    it('cannot be made of what is quarantined', async () => {
      const { recording: id } = await dock.upload('noise.mp4', randomBytes(5000));
      const answer = await custodian.post(`/api/recordings/${id}/redactions`, { plan: PLAN, reason: 'to see' });
      expect(answer.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:not-sealed', state: 'quarantined' });
    });

    it('can be redacted further, and its chain leads back to the original', async () => {
      const further = await redact(redacted.result ?? '', {
        v: 1,
        regions: [],
        mutes: [{ fromMs: 0, toMs: 500, reason: 'address' }],
      });
      expect(further).toMatchObject({ state: 'rendered', failure: null });
      expect((await recording(further.result ?? '')).parent).toBe(redacted.result);
      const path = await written('further.zip', await exportBundle(further.result ?? ''));
      expect(await verifyBundle(path, '--log-key', stack.logKey)).toMatchObject({ code: 0 });
    });
  });

  describe('a custody report', () => {
    it('is a PDF whose SHA-256 is on the chain', async () => {
      const answer = (await auditor.post(`/api/recordings/${original}/custody-report`)).expect(200);
      expect(answer.contentType).toBe('application/pdf');
      expect(answer.bytes.subarray(0, 5).toString('latin1')).toBe('%PDF-');
      expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="custodiet-${original}.pdf"`);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const sha256 = createHash('sha256').update(answer.bytes).digest('hex');
      await entryOn(auditor, original, 'custody-report.exported', (event) => event['sha256'] === sha256);
    });

    it('is also made of what was quarantined, for which there is no bundle', async () => {
      const { recording: id } = await dock.upload('noise.mp4', randomBytes(5000));
      await entryOn(auditor, id, 'recording.quarantined');
      expect((await auditor.post(`/api/recordings/${id}/custody-report`)).expect(200).bytes.subarray(0, 4).toString()).toBe(
        '%PDF',
      );
      expect((await auditor.post(`/api/recordings/${id}/evidence-bundle`)).expect(409).problem().type).toBe(
        'urn:custodiet:not-sealed',
      );
    });
  });

  describe('an evidence bundle', () => {
    it('verifies offline, alone and against the key of the log, and its export is on the chain', async () => {
      const bytes = await exportBundle(original);
      const path = await written('whole.zip', bytes);
      expect(await verifyBundle(path)).toMatchObject({ code: 0, stderr: '' });
      const { code, stdout } = await verifyBundle(path, '--log-key', stack.logKey, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true });

      const files = decodeZip(bytes);
      const expected = [
        'README.txt',
        'bundle.json',
        'checkpoint',
        'dock-key.txt',
        'entries.jsonl',
        'heads.jsonl',
        'manifest.note',
        'proofs.jsonl',
        'report.pdf',
      ];
      expect([...files.keys()].sort()).toEqual(
        [...expected, `redactions/${redacted.id}.v1.plan.json`, `redactions/${redacted.id}.v1.parameters.txt`].sort(),
      );
      const sha256 = createHash('sha256')
        .update(files.get('bundle.json') ?? '')
        .digest('hex');
      await entryOn(auditor, original, 'evidence-bundle.exported', (event) => event['sha256'] === sha256);
    });

    it('of a redaction brings the story of its original along', async () => {
      const path = await written('redacted.zip', await exportBundle(redacted.result ?? ''));
      expect(await verifyBundle(path, '--log-key', stack.logKey)).toMatchObject({ code: 0 });
    });

    it('verifies when two are exported at the same moment, while the recording is in use', async () => {
      const busy = Promise.all([1, 2, 3].map(() => ask(investigator, original)));
      const bundles = await Promise.all([exportBundle(original), exportBundle(original)]);
      await busy;
      for (const [i, bytes] of bundles.entries())
        expect(await verifyBundle(await written(`both-${i}.zip`, bytes), '--log-key', stack.logKey)).toMatchObject({ code: 0 });
    });

    it('fails when any one byte of it is changed', async () => {
      const bytes = await exportBundle(original);
      for (let i = 1; i < 16; i++) {
        const at = Math.floor((bytes.length * i) / 16);
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1;
        const { code, stdout } = await verifyBundle(await written('changed.zip', changed), '--log-key', stack.logKey);
        expect([at, code]).toEqual([at, 1]);
        expect(stdout).toMatch(/✗|FAILED|not verified/i);
      }
    });

    it('fails when a file of it is left out or it is cut off', async () => {
      const bytes = await exportBundle(original);
      for (const name of decodeZip(bytes).keys()) {
        const files = new Map(decodeZip(bytes));
        files.delete(name);
        const { code } = await verifyBundle(await written('less.zip', encodeZip(files)), '--log-key', stack.logKey);
        expect([name, code]).toEqual([name, name === 'bundle.json' ? expect.any(Number) : 1]);
        expect(code).not.toBe(0);
      }
      expect((await verifyBundle(await written('cut.zip', bytes.subarray(0, bytes.length - 100)))).code).not.toBe(0);
    });

    it('fails against another key, also one of the same name', async () => {
      const path = await written('other-key.zip', await exportBundle(original));
      for (const name of [parseVerifier(stack.logKey).name, 'custodiet.test/elsewhere'])
        expect((await verifyBundle(path, '--log-key', generateNoteKey(name).vkey)).code).toBe(1);
    });

    it('is none when it is something else', async () => {
      const others = [
        await written('text.zip', 'this is no ZIP file'),
        await written('empty.zip', ''),
        await written('other.zip', encodeZip(new Map([['a.txt', Buffer.from('a')]]))),
        await written('clip.zip', clip),
        join(folder, 'not-there.zip'),
      ];
      for (const path of others) expect(await verifyBundle(path)).toMatchObject({ code: 2, stdout: '' });
    });
  });

  it('exports nothing for those who may not, and puts the attempt on record', async () => {
    for (const role of ['investigator', 'officer', 'supervisor', 'administrator']) {
      const client = await stack.signIn(role);
      for (const what of ['custody-report', 'evidence-bundle'])
        expect((await client.post(`/api/recordings/${original}/${what}`)).expect(403).problem().type).toBe(
          'urn:custodiet:forbidden',
        );
    }
    for (const action of ['custody-report.export', 'evidence-bundle.export'])
      await entryOn(auditor, original, 'access.refused', (event) => event['action'] === action);
  });

  describe('after a superuser changed the database', () => {
    it.each<[string, { at: number; tamper: Tampering }]>([
      ['what an entry says', { at: 0, tamper: forgePayload }],
      ['when something happened, with a fitting hash', { at: 1, tamper: forgeHeader }],
      ['when the last thing happened, with a fitting hash', { at: -1, tamper: forgeHeader }],
      ['that something happened', { at: 1, tamper: removeEntry }],
    ])('in %s, nothing is handed out, and fsck names the entry', async (_, { at, tamper }) => {
      const { recording: id } = await dock.upload('tampered.mp4', variantOf(clip), { officer: '4711' });
      await entryOn(auditor, id, 'rendition.published');
      const chain = await chainOf(auditor, id);
      const { index } = chain.at(at) ?? { index: '' };
      // What is not signed yet cannot be seen to be changed.
      await eventually('the log has signed it', async () => {
        const [, size = '0'] = (await auditor.get('/log/checkpoint')).text.split('\n');
        return BigInt(size) > BigInt(chain.at(-1)?.index ?? '0');
      });
      expect(await fsck(stack.env, stack.logKey)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
      await asSuperuser(stack.database, async (db) => {
        const putBack = await tamper(db, index);
        try {
          for (const what of ['custody-report', 'evidence-bundle']) {
            const problem = (await auditor.post(`/api/recordings/${id}/${what}`)).expect(500).problem();
            expect(problem).toMatchObject({ type: 'urn:custodiet:log-inconsistent', check: expect.any(String) });
          }
          const { code, report } = await fsck(stack.env, stack.logKey);
          expect([code, report.ok]).toEqual([1, false]);
          expect(report.findings.map(({ where }) => where)).toContain(`entry ${index}`);
        } finally {
          await putBack();
        }
      });
      expect(await fsck(stack.env, stack.logKey)).toMatchObject({ code: 0, report: { ok: true } });
      const counts = await countsOn(auditor, id);
      expect([counts['custody-report.exported'], counts['evidence-bundle.exported']]).toEqual([undefined, undefined]);
      await exportBundle(id);
    });
  });

  /** One frame of the playback copy as a viewer gets it, at the clip's own size. */
  async function frameAt(
    id: string,
    ms: number,
  ): Promise<{ red(x: number, y: number): number; brightest(x: number, y: number): number }> {
    const viewing = await openViewing(investigator, id);
    const file = async (name: string): Promise<Buffer> => (await investigator.get(fileOf(viewing, name))).expect(200).bytes;
    const { init, segments } = await largestOf(investigator, viewing);
    const path = await written('playback.mp4', Buffer.concat([await file(init), await file(segments[0]?.name ?? '')]));
    const size = `scale=${CLIP.width}:${CLIP.height}`;
    const { stdout } = await promisify(execFile)(
      process.env['FFMPEG_PATH'] || 'ffmpeg',
      [
        '-nostdin',
        '-loglevel',
        'error',
        '-i',
        path,
        '-ss',
        String(ms / 1000),
        '-frames:v',
        '1',
        '-vf',
        size,
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-',
      ],
      { encoding: 'buffer', maxBuffer: 1 << 20 },
    );
    const at = (x: number, y: number): Buffer => stdout.subarray((y * CLIP.width + x) * 3, (y * CLIP.width + x) * 3 + 3);
    return { red: (x, y) => at(x, y)[0] ?? 0, brightest: (x, y) => Math.max(...at(x, y)) };
  }
});
