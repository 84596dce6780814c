import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { HttpClient } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { startStack, type Stack } from '../support/stack.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { announceFiles, announceNumbers, anyFile, march, newSerial, range, registerCamera } from './numbered-recordings.js';
import { asSuperuser } from './superuser.js';

const MIB = 2 ** 20;

interface SpanAnswer {
  readonly id: string;
  readonly person: { readonly id: string; readonly name: string; readonly badge: string | null };
  readonly from: string;
  readonly until: string | null;
}

interface CameraAnswer {
  readonly id: string;
  readonly serial: string;
  readonly retiredAt: string | null;
  readonly assignment: SpanAnswer | null;
  readonly lastRecording: { readonly recording: string; readonly counter: number | null; readonly recordedAt: string } | null;
}

type OfficerAnswer = RecordingAnswer & {
  readonly assignedOfficer: { readonly id: string; readonly badge: string | null } | null;
  readonly officerDiffers: boolean;
};

describe('cameras', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let supervisor: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let ada: Enrolled;
  let bob: Enrolled;

  beforeAll(async () => {
    stack = await startStack({ PART_SIZE_MIB: '5' });
    [administrator, supervisor, auditor] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('supervisor'),
      stack.signIn('auditor'),
    ]);
    dock = await TestDock.enrol(administrator);
    [ada, bob] = await Promise.all([enrol(administrator, ['officer'], 'A-1'), enrol(administrator, ['officer'], 'B-2')]);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function assign(camera: string, to: Enrolled, from: string, until?: string): Promise<SpanAnswer> {
    const request = { person: to.id, from, ...(until === undefined ? {} : { until }) };
    return (await supervisor.post<SpanAnswer>(`/api/cameras/${camera}/assignments`, request)).expect(201).body;
  }

  async function cameraOf(serial: string): Promise<CameraAnswer | undefined> {
    return (await supervisor.get<{ cameras: CameraAnswer[] }>(`/api/cameras?serial=${serial}`)).expect(200).body.cameras[0];
  }

  async function unregistered(): Promise<string[]> {
    const found: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: { cameras: { serial: string }[]; next: string | null } = (
        await auditor.get<{ cameras: { serial: string }[]; next: string | null }>(
          `/api/cameras/unregistered?limit=2${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`,
        )
      ).expect(200).body;
      found.push(...page.cameras.map(({ serial }) => serial));
      after = page.next;
    }
    return found;
  }

  /** Custody entries of a camera have no route: read where they are kept. */
  async function chainOf(camera: string): Promise<{ type: string; event: Record<string, unknown> }[]> {
    const query = `SELECT e.type, p.payload FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id WHERE e.subject = $1 ORDER BY e.seq`;
    const { rows } = await asSuperuser(stack.database, (database) =>
      database.query<{ type: string; payload: string }>(query, [camera]),
    );
    return rows.map(({ type, payload }) => ({
      type,
      event: (JSON.parse(payload) as { event: Record<string, unknown> }).event,
    }));
  }

  async function sequenced(camera: string, entries: number): Promise<{ type: string; event: Record<string, unknown> }[]> {
    return eventually(`${entries} entries on the chain of ${camera}`, async () => {
      const chain = await chainOf(camera);
      return chain.length >= entries && chain;
    });
  }

  describe('in the register', () => {
    it('stand once, though five register them at once', async () => {
      const serial = newSerial();
      const answers = await Promise.all(range(1, 5).map(() => administrator.post('/api/cameras', { serial })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(refused?.problem()).toMatchObject({ type: 'urn:custodiet:camera-serial-exists' });
    });

    it('are named to the letter as in a manifest, up to 128 characters', async () => {
      for (const serial of ['x'.repeat(128), ' with spaces ', 'Ünï-7/8'])
        expect((await registerCamera(administrator, serial)).serial).toBe(serial);
      for (const serial of ['', 'x'.repeat(129), 'tab\there', 7, null])
        (await administrator.post('/api/cameras', { serial })).expect(400);
    });

    it('are found before they are registered, by their recordings, which are accepted all the same', async () => {
      const serials = range(1, 3).map(newSerial);
      const [first = ''] = serials;
      for (const [i, serial] of serials.entries()) await announceNumbers(dock, serial, [i, i + 1]);
      expect(await unregistered()).toEqual(expect.arrayContaining(serials));
      const { id } = await registerCamera(administrator, first);
      const left = await unregistered();
      expect(left).not.toContain(first);
      expect(left).toEqual([...left].sort());
      expect(await cameraOf(first)).toMatchObject({ id, assignment: null, lastRecording: { counter: 1, recordedAt: march(1) } });
    });

    it('are listed page by page', async () => {
      for (let i = 0; i < 3; i++) await registerCamera(administrator);
      const seen: string[] = [];
      for (let after: string | null = null, first = true; first || after !== null; first = false) {
        const path: string = `/api/cameras?limit=2${after === null ? '' : `&after=${after}`}`;
        const page: { cameras: CameraAnswer[]; next: string | null } = (
          await auditor.get<{ cameras: CameraAnswer[]; next: string | null }>(path)
        ).expect(200).body;
        seen.push(...page.cameras.map(({ id }) => id));
        after = page.next;
      }
      expect(seen.length).toBeGreaterThanOrEqual(3);
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('retire when nobody has them, once, and their recordings are still accepted', async () => {
      const { id, serial } = await registerCamera(administrator);
      await assign(id, ada, march(8));
      const retire = async (): Promise<number> =>
        (await administrator.post(`/api/cameras/${id}/retire`, { reason: 'lens broken' })).status;
      const worn = await administrator.post(`/api/cameras/${id}/retire`, { reason: 'lens broken' });
      expect(worn.expect(409).problem()).toMatchObject({
        type: 'urn:custodiet:camera-assigned',
        assignment: { person: ada.id, from: march(8), until: null },
      });
      (await supervisor.post(`/api/cameras/${id}/release`, { until: march(16) })).expect(200);
      expect(await Promise.all([retire(), retire()])).toEqual([204, 204]);
      const refused = await supervisor.post(`/api/cameras/${id}/assignments`, { person: bob.id });
      expect(refused.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:camera-retired' });
      // A shift sheet that turns up now speaks of the time before.
      await assign(id, bob, march(16), march(20));
      expect(await announceNumbers(dock, serial, [1])).toMatchObject([{ state: 'receiving' }]);
      expect((await cameraOf(serial))?.retiredAt).not.toBeNull();
      const chain = await sequenced(id, 5);
      expect(chain.map(({ type }) => type)).toEqual([
        'camera.registered',
        'camera.assigned',
        'camera.released',
        'camera.retired',
        'camera.assigned',
      ]);
      expect(chain[1]?.event).toMatchObject({ serial, person: ada.id, badge: 'A-1', from: march(8), until: null });
      expect(chain[2]?.event).toMatchObject({ serial, person: ada.id, until: march(16) });
    });
  });

  describe('are assigned', () => {
    it('to one person after the other, also in the past, the end of a span not being part of it', async () => {
      const { id, serial } = await registerCamera(administrator);
      await assign(id, ada, march(8), march(16));
      await assign(id, bob, march(16), march(24));
      await assign(id, bob, march(0), march(8));
      const open = await assign(id, ada, march(24));
      expect((await cameraOf(serial))?.assignment).toEqual(open);
      const page = async (query: string): Promise<{ assignments: SpanAnswer[]; next: string | null }> =>
        (await auditor.get<{ assignments: SpanAnswer[]; next: string | null }>(`/api/cameras/${id}/assignments${query}`)).expect(
          200,
        ).body;
      const first = await page('?limit=3');
      expect(first.assignments.map(({ from }) => from)).toEqual([march(24), march(16), march(8)]);
      expect((await page(`?limit=3&after=${first.next ?? ''}`)).assignments.map(({ from }) => from)).toEqual([march(0)]);
    });

    it('to nobody while somebody else has them, who is named', async () => {
      const { id } = await registerCamera(administrator);
      const held = await assign(id, ada, march(8), march(16));
      for (const span of [
        { from: march(15), until: march(17) },
        { from: march(7), until: march(9) },
        { from: march(9), until: march(10) },
        { from: march(0) },
        { from: '2026-03-14T09:00:00+01:00', until: '2026-03-14T09:00:00.001+01:00' },
      ]) {
        const problem = (await supervisor.post(`/api/cameras/${id}/assignments`, { person: bob.id, ...span }))
          .expect(409)
          .problem();
        expect(problem).toMatchObject({
          type: 'urn:custodiet:camera-assigned',
          assignment: { assignment: held.id, person: ada.id, from: march(8), until: march(16) },
        });
        expect(problem.detail).toContain(held.person.name);
      }
    });

    it('to exactly one of many at once, and given back exactly once', async () => {
      const { id } = await registerCamera(administrator);
      const ask = (i: number): ReturnType<HttpClient['post']> =>
        supervisor.post(`/api/cameras/${id}/assignments`, { person: i % 2 === 0 ? ada.id : bob.id, from: march(i) });
      const asked = await Promise.all(range(1, 16).map(ask));
      expect(asked.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(15).fill(409)]);
      for (const answer of asked.filter(({ status }) => status === 409))
        expect(answer.problem()).toMatchObject({ type: 'urn:custodiet:camera-assigned', assignment: { until: null } });
      const given = await Promise.all(range(1, 8).map(() => supervisor.post(`/api/cameras/${id}/release`, {})));
      expect(given.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(409)]);
      expect((await sequenced(id, 3)).map(({ type }) => type)).toEqual([
        'camera.registered',
        'camera.assigned',
        'camera.released',
      ]);
    });

    it('for a span that is one, with a zone, to somebody who exists', async () => {
      const { id } = await registerCamera(administrator);
      const status = async (request: object): Promise<number> =>
        (await supervisor.post(`/api/cameras/${id}/assignments`, request)).status;
      const person = ada.id;
      expect(await status({ person, from: march(9), until: march(9) })).toBe(422);
      expect(await status({ person, until: march(9) })).toBe(422);
      expect(await status({ person: randomUUID(), from: march(9) })).toBe(404);
      for (const from of ['2026-03-14T09:00:00', '2026-03-14', '2026-02-30T09:00:00Z', '0000-01-01T00:00:00+14:00', 1, null])
        expect([from, await status({ person, from })]).toEqual([from, 400]);
      (await supervisor.post(`/api/cameras/${id}/release`, {})).expect(409);
      await assign(id, ada, march(9));
      const early = await supervisor.post(`/api/cameras/${id}/release`, { until: march(9) });
      expect(early.expect(422).problem().type).toBe('urn:custodiet:assignment-span-empty');
    });
  });

  describe('tell whose a recording is', () => {
    async function recording(id: string): Promise<OfficerAnswer> {
      return (await auditor.get<OfficerAnswer>(`/api/recordings/${id}`)).expect(200).body;
    }

    it('where the dock does not, by who had the camera at the true time', async () => {
      const { id: camera, serial } = await registerCamera(administrator);
      await assign(camera, ada, march(8), march(16));
      await assign(camera, bob, march(16));
      const hour = 3_600_000;
      const made = [
        { recordedAt: march(15.5), clockOffsetMs: 0 },
        // The camera was an hour slow: it was bob's by then.
        { recordedAt: march(15.5), clockOffsetMs: -hour },
        { recordedAt: march(16), clockOffsetMs: 0 },
        { recordedAt: march(16.5), clockOffsetMs: hour },
        { recordedAt: march(7), clockOffsetMs: 0 },
      ];
      const uploads = await announceFiles(
        dock,
        made.map((each) => anyFile(dock, { camera: serial, ...each })),
      );
      const views = await Promise.all(uploads.map((upload) => recording(upload.recording)));
      expect(views.map(({ assignedOfficer }) => assignedOfficer?.id)).toEqual([ada.id, bob.id, bob.id, ada.id, undefined]);
      expect(views.map(({ officerDiffers }) => officerDiffers)).toEqual([false, false, false, false, false]);
      // It is theirs: they may read it, and nobody else's.
      const [ours, theirs] = [uploads[0]?.recording ?? '', uploads[1]?.recording ?? ''];
      (await ada.http.get(`/api/recordings/${ours}`)).expect(200);
      (await bob.http.get(`/api/recordings/${theirs}`)).expect(200);
      (await ada.http.get(`/api/recordings/${theirs}`)).expect(403);
    });

    it('where the dock names another, who stands, and the difference is shown', async () => {
      const { id: camera, serial } = await registerCamera(administrator);
      await assign(camera, ada, march(0));
      const [by = undefined, unknown = undefined, same = undefined] = await announceFiles(dock, [
        anyFile(dock, { camera: serial, officer: 'B-2' }),
        anyFile(dock, { camera: serial, officer: 'nobody-has-it' }),
        anyFile(dock, { camera: serial, officer: 'A-1' }),
      ]);
      expect(await recording(by?.recording ?? '')).toMatchObject({
        officer: 'B-2',
        assignedOfficer: { id: ada.id, badge: 'A-1' },
        officerDiffers: true,
      });
      (await bob.http.get(`/api/recordings/${by?.recording ?? ''}`)).expect(200);
      (await ada.http.get(`/api/recordings/${by?.recording ?? ''}`)).expect(403);
      expect(await recording(unknown?.recording ?? '')).toMatchObject({ officer: 'nobody-has-it', officerDiffers: true });
      expect(await recording(same?.recording ?? '')).toMatchObject({ officer: 'A-1', officerDiffers: false });
      const { recordings } = (await auditor.get<{ recordings: OfficerAnswer[] }>(`/api/recordings?camera=${serial}`)).expect(
        200,
      ).body;
      expect(recordings.map(({ officerDiffers }) => officerDiffers).sort()).toEqual([false, true, true]);
    });

    it('where the shift sheet comes late, once it has come', async () => {
      const { id: camera, serial } = await registerCamera(administrator);
      const [upload] = await announceNumbers(dock, serial, [9]);
      expect(await recording(upload?.recording ?? '')).toMatchObject({ assignedOfficer: null, officerDiffers: false });
      await assign(camera, ada, march(8), march(16));
      expect(await recording(upload?.recording ?? '')).toMatchObject({ assignedOfficer: { id: ada.id }, officerDiffers: false });
    });

    it('not where the clock is nonsense, and the recording is accepted', async () => {
      const { id: camera, serial } = await registerCamera(administrator);
      await assign(camera, ada, march(0));
      const [first, last] = ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'];
      const clocks = [
        { recordedAt: first, clockOffsetMs: Number.MAX_SAFE_INTEGER },
        { recordedAt: first, clockOffsetMs: 0 },
        { recordedAt: last, clockOffsetMs: 0 },
        { recordedAt: last, clockOffsetMs: Number.MIN_SAFE_INTEGER },
      ];
      // Each number is used twice, so that the report looks for both by their times.
      const uploads = await announceFiles(
        dock,
        [...clocks, ...clocks].map((clock, i) => anyFile(dock, { camera: serial, counter: 7 + (i % clocks.length), ...clock })),
      );
      expect(uploads.map(({ state }) => state)).toEqual(Array(8).fill('receiving'));
      const views = await Promise.all(uploads.map((upload) => recording(upload.recording)));
      expect(views[0]).toMatchObject({ assignedOfficer: null, officerDiffers: false });
      const gaps = await auditor.get<{ usedTwice: { recordings: object[] }[] }>(`/api/cameras/${camera}/gaps`);
      expect(gaps.expect(200).body.usedTwice.flatMap(({ recordings }) => recordings)).toHaveLength(8);
    });
  });

  it('are docked no more once the key of the dock is revoked, at any replica, in the middle of an upload', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const replica = new ProductProcess(
      'api',
      url,
      { ...stack.env, PORT: new URL(url).port },
      join(stack.env['WORK_DIR'] ?? '', 'replica.log'),
    );
    replica.start();
    try {
      await replica.ready();
      const lost = await TestDock.enrol(administrator);
      const bytes = randomBytes(6 * MIB);
      const at = (where: string): HttpClient => new HttpClient(where, async () => `Bearer ${await lost.token()}`);
      const [upload] = await announceFiles(lost, [lost.describe('clip.mp4', bytes)]);
      const path = `/api/docking/recordings/${upload?.recording ?? ''}`;
      (await lost.putPart(upload?.recording ?? '', 1, bytes.subarray(0, 5 * MIB))).expect(204);
      // The other replica knows the dock well by now.
      expect((await at(url).get<UploadAnswer>(path)).expect(200).body.partsReceived).toEqual([1]);
      (await administrator.post(`/api/docks/${lost.id}/revoke`, { reason: 'stolen from the station' })).expect(204);
      for (const where of [url, stack.url]) {
        const answer = await at(where).send('POST', `${path}/complete`);
        expect(answer.expect(401).problem().detail).toMatch(/revoked/);
        (await at(where).get(path)).expect(401);
      }
      (await lost.putPart(upload?.recording ?? '', 2, bytes.subarray(5 * MIB))).expect(401);
      // What had arrived is kept, and seen.
      const kept = await auditor.get<RecordingAnswer>(`/api/recordings/${upload?.recording ?? ''}`);
      expect(kept.expect(200).body.state).toBe('receiving');
    } finally {
      await replica.stop();
    }
  });
});
