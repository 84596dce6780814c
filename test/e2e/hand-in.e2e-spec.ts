import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeZip, parseVerifier, verifyReceipt } from '#tlog';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { digestOf, TestDock } from '../support/dock.js';
import type { HttpClient } from '../support/http.js';
import { signIn } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { verifyBundle } from './command-line.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import {
  announce,
  announceOne,
  complete,
  fileOf,
  handing,
  handInWhole,
  putPart,
  sendParts,
  settled,
  sha256Of,
} from './handing-in.js';
import { freePort } from './process-inspection.js';
import { SeverablePath } from './severable-path.js';
import { asSuperuser } from './superuser.js';

const MIB = 2 ** 20;

describe('a file handed in by a person', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodian: HttpClient;
  let officer: Enrolled;
  let otherOfficer: Enrolled;
  let clip: Buffer;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5', MAX_FILE_GIB: '1' }), clipBytes({ seconds: 2 })]);
    [administrator, auditor, custodian] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('auditor'),
      stack.signIn('custodian'),
    ]);
    [officer, otherOfficer] = await Promise.all([
      enrol(administrator, ['officer'], 'H-1'),
      enrol(administrator, ['officer'], 'H-2'),
    ]);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function recording(id: string): Promise<RecordingAnswer> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  }

  describe('that arrives whole', () => {
    let id: string;
    let bytes: Buffer;

    beforeAll(async () => {
      bytes = variantOf(clip);
      const stated = fileOf('bystander.mp4', bytes, { device: 'Pixel 9', recordedAt: '2026-03-14T10:26:53+01:00' });
      const body = handing([stated], { note: 'Received by e-mail.\nThe sender stays reachable.' });
      const [file] = (await announce(officer.http, body)).expect(200).body.files;
      expect(file).toEqual({
        recording: expect.any(String),
        name: 'bystander.mp4',
        sha256: sha256Of(bytes),
        size: bytes.length,
        state: 'receiving',
        partSize: 5 * MIB,
        partsReceived: [],
      });
      id = file!.recording!;
      await sendParts(officer.http, { recording: id, partSize: file!.partSize }, bytes);
      (await complete(officer.http, id)).expect(202);
      expect((await settled(officer.http, id)).state).toBe('sealed');
    }, 60_000);

    it('is sealed and marked as handed in, with nothing claimed of camera and officer', async () => {
      expect(await recording(id)).toMatchObject({
        name: 'bystander.mp4',
        sha256: sha256Of(bytes),
        origin: 'handed-in',
        camera: null,
        officer: null,
        recordedAt: '2026-03-14T09:26:53.000Z',
        state: 'sealed',
      });
      const [announced, sealed] = await chainOf(auditor, id);
      expect(announced).toMatchObject({
        type: 'recording.handed-in',
        actor: officer.id,
        event: {
          name: 'bystander.mp4',
          size: bytes.length,
          source: 'citizen',
          from: 'B. Bystander, by e-mail',
          device: 'Pixel 9',
          note: 'Received by e-mail.\nThe sender stays reachable.',
          recordedAt: '2026-03-14T09:26:53.000Z',
        },
      });
      expect(sealed).toMatchObject({ type: 'recording.sealed' });
    });

    it('has a receipt that verifies', async () => {
      const { text } = (await officer.http.get(`/api/docking/recordings/${id}/receipt`)).expect(200);
      verifyReceipt(text, { logKey: parseVerifier(stack.logKey), sha256: sha256Of(bytes), recording: id });
    });

    it('has a custody report, and a bundle without a manifest that custodiet-verify accepts', async () => {
      expect((await auditor.post(`/api/recordings/${id}/custody-report`)).expect(200).contentType).toBe('application/pdf');
      const bundle = (await auditor.post(`/api/recordings/${id}/evidence-bundle`)).expect(200).bytes;
      expect([...decodeZip(bundle).keys()].filter((path) => /manifest|dock/.test(path))).toEqual([]);
      const folder = await mkdtemp(join(tmpdir(), 'custodiet-handed-in-'));
      try {
        await writeFile(join(folder, 'bundle.zip'), bundle);
        const { code, stdout } = await verifyBundle(join(folder, 'bundle.zip'), '--log-key', stack.logKey, '--json');
        expect({ code, stdout: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, stdout: { ok: true } });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });

    it('gives whoever handed it in no right to watch it', async () => {
      const opened = await officer.http.post(`/api/recordings/${id}/viewings`, { purpose: 'own-report' });
      expect(opened.expect(403).problem()).toMatchObject({ reason: 'no-grant' });
      (await officer.http.get(`/api/recordings/${id}`)).expect(403);
    });
  });

  it('has its clock on record, where that is known to be off', async () => {
    const stated = [
      fileOf('drone.mp4', variantOf(clip), { device: 'DJI Mini', clockOffsetMs: -3_600_000 }),
      fileOf('other.mp4', variantOf(clip), { clockOffsetMs: 20 }),
    ];
    const { files } = (await announce(officer.http, handing(stated, { source: 'drone', from: 'Traffic unit' }))).expect(200).body;
    const said = await Promise.all(
      files.map(async ({ recording: id }) => (await entryOn(auditor, id!, 'recording.handed-in')).event),
    );
    expect(said.map(({ device }) => device)).toEqual(['DJI Mini, clock 3600000 ms behind', 'device not said, clock 20 ms ahead']);
  });

  it('is kept in quarantine when it is no video, and may be handed in again', async () => {
    const bytes = Buffer.from(`no video ${Math.random()}`);
    const first = await handInWhole(officer.http, 'letter.mp4', bytes);
    expect(first).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/\S/) });
    const again = await announceOne(officer.http, 'letter.mp4', bytes);
    expect(again.state).toBe('receiving');
    expect(again.recording).not.toBe(first.recording);
  });

  describe('in several parts', () => {
    it('goes on from another session of the same person, in any order, with the parts that the service names', async () => {
      const bytes = variantOf(clip, 11 * MIB);
      const { recording: id, partSize } = await announceOne(officer.http, 'long.mp4', bytes);
      const part = (n: number): Buffer => bytes.subarray((n - 1) * partSize, n * partSize);
      (await putPart(officer.http, id, 3, part(3))).expect(204);

      const elsewhere = await officer.signInAgain();
      const again = (await announce(elsewhere, handing([fileOf('renamed.mp4', bytes)]))).expect(200).body.files;
      expect(again).toMatchObject([{ recording: id, name: 'long.mp4', state: 'receiving', partsReceived: [3] }]);
      (await putPart(elsewhere, id, 1, part(1))).expect(204);
      expect((await complete(elsewhere, id)).expect(409).problem()).toMatchObject({
        type: 'urn:custodiet:parts-missing',
        parts: [2],
      });
      (await putPart(officer.http, id, 2, part(2))).expect(204);
      (await complete(elsewhere, id)).expect(202);
      (await complete(officer.http, id)).expect(202);
      expect((await settled(officer.http, id)).state).toBe('sealed');
      expect(await countsOn(auditor, id)).toMatchObject({ 'recording.handed-in': 1, 'recording.sealed': 1 });
    });

    it('takes no part that is not what was announced, and puts each on record', async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(officer.http, 'wrong.mp4', bytes);
      const corrupted = Buffer.from(bytes);
      corrupted[1000]! ^= 1;
      const wrong = await putPart(officer.http, id, 1, corrupted, { 'content-digest': digestOf(bytes) });
      expect(wrong.expect(422).problem().type).toBe('urn:custodiet:digest-mismatch');
      const long = await putPart(officer.http, id, 1, Buffer.concat([bytes, Buffer.from('x')]));
      expect(long.expect(422).problem().type).toBe('urn:custodiet:part-size');
      expect((await putPart(officer.http, id, 2, bytes)).expect(422).problem().type).toBe('urn:custodiet:no-such-part');
      await entryOn(auditor, id, 'upload.part-refused', (event) => event['part'] === 2);
      expect(await countsOn(auditor, id)).toEqual({ 'recording.handed-in': 1, 'upload.part-refused': 3 });
    });
  });

  describe('that is held already', () => {
    it('is a duplicate to whoever handed it in, with its id', async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await handInWhole(officer.http, 'mine.mp4', bytes);
      const { files } = (await announce(officer.http, handing([fileOf('again.mp4', bytes)]))).expect(200).body;
      expect(files).toMatchObject([{ recording: id, state: 'duplicate', duplicateOf: id, name: 'again.mp4', partsReceived: [] }]);
    });

    it('tells an officer nothing of the recording but that there is one, and is on its record', async () => {
      const dock = await TestDock.enrol(administrator);
      const bytes = variantOf(clip);
      const { recording: id } = await dock.upload('secret-name.mp4', bytes, { officer: 'H-2' });
      const answer = (await announce(officer.http, handing([fileOf('copy.mp4', bytes)]))).expect(200);
      expect(answer.body.files).toEqual([
        {
          recording: null,
          name: 'copy.mp4',
          sha256: sha256Of(bytes),
          size: bytes.length,
          state: 'duplicate',
          partSize: 5 * MIB,
          partsReceived: [],
          reason: expect.stringMatching(/held already/),
        },
      ]);
      expect(answer.text).not.toContain(id);
      expect(answer.text).not.toContain('secret-name');
      const refused = await entryOn(auditor, id, 'access.refused');
      expect(refused).toMatchObject({ actor: officer.id, event: { action: 'upload.hand-in', reason: 'duplicate-recording' } });

      // Its own officer and a custodian may see it, and are told which it is.
      for (const person of [otherOfficer.http, custodian])
        expect((await announce(person, handing([fileOf('copy.mp4', bytes)]))).body.files).toMatchObject([
          { recording: id, duplicateOf: id, reason: expect.stringContaining(id) },
        ]);
    });

    it('does not hold up the new file beside it', async () => {
      const [known, fresh] = [variantOf(clip), variantOf(clip)];
      const { recording: id } = await handInWhole(officer.http, 'known.mp4', known);
      const files = [fileOf('known.mp4', known), fileOf('fresh.mp4', fresh)];
      expect((await announce(officer.http, handing(files))).expect(200).body.files).toMatchObject([
        { recording: id, state: 'duplicate' },
        { name: 'fresh.mp4', state: 'receiving' },
      ]);
    });

    it('keeps no docking station out: what was only announced makes way for a signed announcement, on record', async () => {
      const bytes = variantOf(clip);
      const claimed = { ...fileOf('mine.mp4', bytes), size: 900 * MIB };
      const [held] = (await announce(officer.http, handing([claimed]))).expect(200).body.files;
      const id = held?.recording ?? '';
      (await putPart(officer.http, id, 2, bytes.subarray(0, 5))).expect(422);

      const dock = await TestDock.enrol(administrator);
      const { recording: mine, state } = await dock.upload('docked.mp4', bytes);
      expect(state).toBe('sealed');
      expect(await recording(mine)).toMatchObject({ origin: 'dock', size: bytes.length });
      expect(await recording(id)).toMatchObject({ state: 'expired', reason: expect.stringContaining('docking station') });
      expect((await entryOn(auditor, id, 'upload.superseded')).event).toMatchObject({ dock: dock.id });
      const alerts = (await custodian.get<{ alerts: { recording: string }[] }>('/api/alerts?open=true')).expect(200).body.alerts;
      expect(alerts.map((alert) => alert.recording)).toContain(id);
      (await putPart(officer.http, id, 1, bytes)).expect(409, 422);
    });

    it('is a duplicate to a docking station as well', async () => {
      const dock = await TestDock.enrol(administrator);
      const bytes = variantOf(clip);
      const { recording: id } = await handInWhole(officer.http, 'first.mp4', bytes);
      const answer = await dock.announce(dock.manifestOf([dock.describe('later.mp4', bytes)]));
      expect(answer.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:duplicate-recording', recordings: [id] });
    });

    it('goes to exactly one of two people who announce it at the same moment', async () => {
      for (let round = 0; round < 5; round++) {
        const [shared, other] = [variantOf(clip), variantOf(clip)];
        const bodies = [
          handing([fileOf('a.mp4', shared), fileOf('b.mp4', other)]),
          handing([fileOf('b.mp4', other), fileOf('a.mp4', shared)]),
        ];
        const people = [officer.http, custodian, officer.http, otherOfficer.http];
        const answers = await Promise.all(people.map((each, i) => announce(each, bodies[i % 2]!)));
        const files = answers.flatMap((answer) => answer.expect(200).body.files);
        for (const sha256 of [shared, other].map(sha256Of)) {
          const receiving = files.filter((file) => file.sha256 === sha256 && file.state === 'receiving');
          const ids = new Set(receiving.map((file) => file.recording));
          expect(ids.size).toBe(1);
          const [id] = ids;
          await entryOn(auditor, id!, 'recording.handed-in');
          expect((await countsOn(auditor, id!))['recording.handed-in']).toBe(1);
        }
      }
    });
  });

  describe('is not accepted', () => {
    it('twice in one list, larger than allowed, or with another size than before', async () => {
      const bytes = variantOf(clip);
      const file = fileOf('a.mp4', bytes);
      await announceOne(officer.http, 'a.mp4', bytes);
      for (const [files, says] of [
        [[file, { ...file, name: 'b.mp4' }], /a\.mp4 and b\.mp4 are the same file/],
        [[{ ...file, size: 2 ** 30 + 1 }], /at most 1073741824/],
        [[{ ...file, size: 7 }], /announced before with/],
      ] as const) {
        const problem = (await announce(officer.http, handing(files))).expect(422).problem();
        expect(problem).toMatchObject({ type: 'urn:custodiet:hand-in-refused', detail: expect.stringMatching(says) });
      }
    });

    it.each([
      ['no file', { files: [] }],
      ['a hundred and one files', { files: Array.from({ length: 101 }, (_, i) => fileOf(`${i}.mp4`, Buffer.from([i]))) }],
      ['a name with a folder', { files: [fileOf('../a.mp4', Buffer.from('a'))] }],
      ['a name that is too long', { files: [fileOf(`${'ä'.repeat(126)}.mp4`, Buffer.from('a'))] }],
      ['no time of recording', { files: [{ ...fileOf('a.mp4', Buffer.from('a')), recordedAt: undefined }] }],
      ['a time without a zone', { files: [fileOf('a.mp4', Buffer.from('a'), { recordedAt: '2026-03-14T09:26:53' })] }],
      ['a day that there is not', { files: [fileOf('a.mp4', Buffer.from('a'), { recordedAt: '2026-02-30T09:26:53Z' })] }],
      ['a hash in capitals', { files: [fileOf('a.mp4', Buffer.from('a'), { sha256: 'AB'.repeat(32) })] }],
      ['half a byte', { files: [fileOf('a.mp4', Buffer.from('a'), { size: 0.5 })] }],
      ['an unknown source', { source: 'rumour' }],
      ['a blank sender', { from: '   ' }],
      ['a sender of two lines', { from: 'a\nb' }],
      ['a member that is not known', { camera: 'X-1' }],
    ])('with %s', async (_, changes) => {
      const answer = await announce(officer.http, handing([fileOf('a.mp4', Buffer.from('a'))], changes));
      expect(answer.expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });

    it("for another site's page, which cannot send parts either", async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(officer.http, 'mine.mp4', bytes);
      const raw = JSON.stringify(handing([fileOf('planted.mp4', variantOf(clip))]));
      for (const foreign of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://elsewhere.example' }]) {
        const headers = { 'content-type': 'application/json', ...foreign };
        (await officer.http.send('POST', '/api/hand-ins', { headers, raw })).expect(403);
        (await putPart(officer.http, id, 1, bytes, foreign)).expect(403);
        (await officer.http.send('POST', `/api/docking/recordings/${id}/complete`, { headers: foreign })).expect(403);
      }
      expect((await officer.http.get<UploadAnswer>(`/api/docking/recordings/${id}`)).body.partsReceived).toEqual([]);
    });
  });

  describe('belongs to whoever handed it in', () => {
    it('and takes parts from nobody else, with each attempt on record', async () => {
      const dock = await TestDock.enrol(administrator);
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(officer.http, 'mine.mp4', bytes);
      for (const other of [otherOfficer.http, custodian, dock.http]) {
        expect((await putPart(other, id, 1, bytes)).expect(403).problem()).toMatchObject({ reason: 'not-yours' });
        (await complete(other, id)).expect(403);
        (await other.get(`/api/docking/recordings/${id}`)).expect(403);
        (await other.get(`/api/docking/recordings/${id}/receipt`)).expect(403);
      }
      for (const action of ['upload.send', 'upload.read', 'receipt.read'])
        await entryOn(auditor, id, 'access.refused', (event) => event['action'] === action);
      expect((await chainOf(auditor, id)).filter(({ actor }) => actor === otherOfficer.id)).toHaveLength(4);
    });

    it('until they sign out or lose the role', async () => {
      const leaving = await enrol(administrator, ['investigator']);
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(leaving.http, 'mine.mp4', bytes);
      const elsewhere = await leaving.signInAgain();
      (await leaving.http.delete('/api/session')).expect(204);
      (await putPart(leaving.http, id, 1, bytes)).expect(401);
      (await putPart(elsewhere, id, 1, bytes)).expect(204);
      await asSuperuser(stack.database, (database) =>
        database.query("UPDATE people SET roles = '{auditor}' WHERE id = $1", [leaving.id]),
      );
      expect((await complete(elsewhere, id)).expect(403).problem()).toMatchObject({ reason: 'role' });
      expect((await recording(id)).state).toBe('receiving');
    });

    it('who finds all of it in a list of their own, newest first', async () => {
      const person = await enrol(administrator, ['officer']);
      const [first, second] = [variantOf(clip), variantOf(clip)];
      const { recording: sealed } = await handInWhole(person.http, 'first.mp4', first);
      const { recording: open } = await announceOne(person.http, 'second.mp4', second);
      const list = async (query = ''): Promise<{ files: UploadAnswer[]; next: string | null }> =>
        (await person.http.get<{ files: UploadAnswer[]; next: string | null }>(`/api/hand-ins${query}`)).expect(200).body;
      const all = await list();
      expect(all).toMatchObject({
        files: [
          { recording: open, name: 'second.mp4', state: 'receiving', sealedAt: null },
          { recording: sealed, name: 'first.mp4', state: 'sealed', recordedAt: '2026-03-14T09:26:53.589Z' },
        ],
        next: null,
      });
      expect(await list('?limit=1')).toMatchObject({ files: [{ recording: open }], next: open });
      expect(await list(`?limit=1&after=${open}`)).toMatchObject({ files: [{ recording: sealed }], next: null });
      const others = (await otherOfficer.http.get<{ files: UploadAnswer[] }>('/api/hand-ins?limit=100')).expect(200).body.files;
      expect(others.filter(({ recording: id }) => id === open || id === sealed)).toEqual([]);
      for (const query of ['limit=0', 'limit=101', 'after=1', 'other=1'])
        (await person.http.get(`/api/hand-ins?${query}`)).expect(400);
    });
  });

  it('is announced while the object store is down, waits with its parts, and loses nothing', async () => {
    const store = await SeverablePath.to(stack.env['S3_ENDPOINT'] ?? '');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const env = { ...stack.env, PORT: String(port), S3_ENDPOINT: store.url.replace(/\/$/, '') };
    const api = new ProductProcess('api', url, env, join(stack.env['WORK_DIR'] ?? '', 'api-by-severable-path.log'));
    api.start();
    try {
      await api.ready();
      const person = await signIn(url, accountOf(stack.seedAccounts, 'custodian'));
      const bytes = variantOf(clip);
      await store.cut();
      const file = await announceOne(person, 'patient.mp4', bytes);
      const refused = (await putPart(person, file.recording, 1, bytes)).expect(503);
      expect(refused.problem().type).toMatch(/^urn:custodiet:/);
      await store.mend();
      await sendParts(person, file, bytes);
      (await complete(person, file.recording)).expect(202);
      expect((await settled(person, file.recording)).state).toBe('sealed');
    } finally {
      await api.stop();
      await store.cut();
    }
  });
});
