import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { UploadAnswer } from '../support/answers.js';
import { TestDock, type Manifested } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { EventStream } from '../support/event-stream.js';
import { HttpClient } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { announceOne, complete, handInWhole, sendParts } from './handing-in.js';
import { freePort } from './process-inspection.js';
import { SeverablePath } from './severable-path.js';
import { asSuperuser } from './superuser.js';

const MIB = 2 ** 20;
/** Streams that one caller may have. */
const MOST = 16;
const HAND_INS = '/api/hand-ins/events';
const ofRecording = (id: string): string => `/api/docking/recordings/${id}/events`;
const ofManifest = (id: string): string => `/api/docking/manifests/${id}/events`;

describe('the state of an upload by server-sent events', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let officer: Enrolled;
  let dock: TestDock;
  let clip: Buffer;
  let quiet: EventStream;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5' }), clipBytes({ seconds: 2 })]);
    [administrator, auditor] = await Promise.all([stack.signIn('administrator'), stack.signIn('auditor')]);
    [officer, dock] = await Promise.all([enrol(administrator, ['officer']), TestDock.enrol(administrator)]);
    const custodian = await stack.signIn('custodian');
    quiet = await open(custodian, ofRecording((await announceOne(custodian, 'quiet.mp4', variantOf(clip))).recording));
  }, 180_000);
  afterAll(async () => {
    quiet?.leave();
    await stack?.stop();
  }, 60_000);

  async function open(client: HttpClient, path: string): Promise<EventStream> {
    const stream = await EventStream.open(client, path);
    if (stream.status !== 200) throw new Error(`GET ${path} answered ${stream.status}`);
    await eventually(`the present state by ${path}`, () => stream.events.length > 0);
    return stream;
  }

  async function announced(by: TestDock, ...files: Buffer[]): Promise<Manifested> {
    const note = by.manifestOf(files.map((bytes, i) => by.describe(`${i}.mp4`, bytes)));
    return (await by.announce(note)).expect(200).body;
  }

  async function finish(by: TestDock, { recording, partSize }: UploadAnswer, bytes: Buffer): Promise<void> {
    for (let part = 1; (part - 1) * partSize < bytes.length; part++)
      (await by.putPart(recording, part, bytes.subarray((part - 1) * partSize, part * partSize))).expect(204);
    (await by.complete(recording)).expect(202);
  }

  /** Another process of the same API, on the same data. */
  async function anotherApi(changes: Readonly<Record<string, string>> = {}): Promise<ProductProcess> {
    const port = String(await freePort());
    const log = join(stack.env['WORK_DIR'] ?? '', `api-${port}.log`);
    const api = new ProductProcess('api', `http://127.0.0.1:${port}`, { ...stack.env, ...changes, PORT: port }, log);
    api.start();
    await api.ready();
    return api;
  }

  /** The dock at another process. */
  function at(url: string): HttpClient {
    return new HttpClient(url, async () => `Bearer ${await dock.token()}`);
  }

  it('begins with the present state, tells each change, and ends with the last', async () => {
    const bytes = variantOf(clip, 6 * MIB);
    const { files } = await announced(dock, bytes);
    const { recording: id, partSize } = files[0]!;
    const stream = await open(dock.http, ofRecording(id));
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.headers.get('cache-control')).toContain('no-store');
    expect(stream.events[0]).toMatchObject({ type: 'state', retry: expect.any(Number) });
    expect(stream.said()).toEqual([(await dock.status(id)).body]);

    (await dock.putPart(id, 2, bytes.subarray(partSize))).expect(204);
    await eventually('a part is told of', () => stream.said<UploadAnswer>().at(-1)?.partsReceived.at(0) === 2);
    (await dock.putPart(id, 1, bytes.subarray(0, partSize))).expect(204);
    (await dock.complete(id)).expect(202);
    expect((await stream.ended).inOrder).toBe(true);
    const states = stream.said<UploadAnswer>().map(({ state }) => state);
    expect(states.filter((state, i) => state !== states[i - 1])).toEqual(['receiving', 'sealing', 'sealed']);
    expect(stream.said().at(-1)).toEqual((await dock.status(id)).body);
  });

  it('says why a file was put in quarantine', async () => {
    const bytes = randomBytes(1000);
    const { files } = await announced(dock, bytes);
    const stream = await open(dock.http, ofRecording(files[0]!.recording));
    await finish(dock, files[0]!, bytes);
    await stream.ended;
    expect(stream.said().at(-1)).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/\S/) });
  });

  it('tells of parts once a second at most, however many arrive, and of the last', async () => {
    const note = dock.manifestOf([dock.describe('long.mp4', variantOf(clip), { size: 9000 * 5 * MIB })]);
    const { recording: id } = (await dock.announce(note)).expect(200).body.files[0]!;
    const stream = await open(dock.http, ofRecording(id));
    let parts = 0;
    await asSuperuser(stack.database, async (database) => {
      const arrived = 'INSERT INTO upload_parts (recording_id, part, sha256, size, etag) VALUES ($1, $2, $3, 1, $4)';
      for (const begun = performance.now(); performance.now() - begun < 2500 && parts < 9000;)
        await database.query(arrived, [id, ++parts, randomBytes(32), 'etag']);
    });
    await eventually('the last part is told of', () => stream.said<UploadAnswer>().at(-1)?.partsReceived.length === parts);
    const [first = 0, ...progress] = stream.events.map(({ atMs }) => atMs);
    expect(progress.length).toBeGreaterThan(1);
    // Counted, because on a busy machine two events may arrive closer together than they were sent.
    expect(progress.length).toBeLessThanOrEqual((progress.at(-1)! - first) / 1000 + 1);
    stream.leave();
  });

  it('is told by one process of what happens at another', async () => {
    const api = await anotherApi();
    try {
      const bytes = variantOf(clip);
      const { files } = await announced(dock, bytes);
      const stream = await open(at(api.url), ofRecording(files[0]!.recording));
      await finish(dock, files[0]!, bytes);
      expect((await stream.ended).inOrder).toBe(true);
      expect(stream.said<UploadAnswer>().at(-1)?.state).toBe('sealed');
    } finally {
      await api.stop();
    }
  });

  it('covers all files of a manifest, and what the dock began under another one', async () => {
    const [a, b] = [variantOf(clip), variantOf(clip)];
    const { files: before } = await announced(dock, a);
    const { manifest, files } = await announced(dock, a, b);
    expect(files[0]!.recording).toBe(before[0]!.recording);
    const stream = await open(dock.http, ofManifest(manifest));
    await eventually('both files', () => stream.events.length === 2);
    await finish(dock, files[0]!, a);
    await eventually('the first is sealed', () => stream.said<UploadAnswer>().at(-1)?.state === 'sealed');
    await finish(dock, files[1]!, b);
    await stream.ended;
    const sealed = stream.said<UploadAnswer>().filter(({ state }) => state === 'sealed');
    expect(sealed.map(({ recording }) => recording)).toEqual(files.map(({ recording }) => recording));
  });

  it("covers all that a person has begun to hand in, also what is announced later, and nobody else's", async () => {
    const person = await enrol(administrator, ['officer']);
    const [a, b] = [variantOf(clip), variantOf(clip)];
    const first = await announceOne(person.http, 'a.mp4', a);
    const stream = await open(person.http, HAND_INS);
    await announceOne(officer.http, 'foreign.mp4', variantOf(clip));
    const second = await announceOne(person.http, 'b.mp4', b);
    await eventually('the file announced later', () => stream.events.length === 2);
    for (const [file, bytes] of [
      [first, a],
      [second, b],
    ] as const) {
      await sendParts(person.http, file, bytes);
      (await complete(person.http, file.recording)).expect(202);
    }
    await stream.ended;
    const told = new Map(stream.said<UploadAnswer>().map(({ recording, state }) => [recording, state]));
    expect(told).toEqual(new Map([first, second].map(({ recording }) => [recording, 'sealed'])));
    // An EventSource that comes back is told to stay away: there is nothing to wait for.
    expect((await person.http.get(HAND_INS)).status).toBe(204);
  });

  it('is told once when it is over already, and then not again', async () => {
    const { recording: id } = await handInWhole(officer.http, 'over.mp4', variantOf(clip));
    const stream = await open(officer.http, ofRecording(id));
    await stream.ended;
    expect(stream.said()).toEqual([(await officer.http.get(`/api/docking/recordings/${id}`)).body]);
    const again = await officer.http.get(ofRecording(id), { 'last-event-id': stream.events[0]!.id });
    expect([again.status, again.text]).toEqual([204, '']);
  });

  it('is for the sender alone, and every other attempt is on record', async () => {
    const other = await TestDock.enrol(administrator);
    const { manifest, files } = await announced(dock, variantOf(clip));
    const { recording: id } = files[0]!;
    for (const client of [other.http, officer.http]) {
      (await client.get(ofRecording(id))).expect(403).problem();
      (await client.get(ofManifest(manifest))).expect(403).problem();
    }
    await entryOn(auditor, id, 'access.refused', (event) => event['action'] === 'upload.read');
    (await dock.http.get(HAND_INS)).expect(403);
    (await auditor.get(HAND_INS)).expect(403);
    for (const path of [ofRecording(id), ofManifest(manifest), HAND_INS]) (await stack.anonymous().get(path)).expect(401);
    for (const path of [ofRecording(randomUUID()), ofManifest(randomUUID())]) (await dock.http.get(path)).expect(404).problem();
    for (const path of [ofRecording('1'), ofManifest('1')]) (await dock.http.get(path)).expect(400).problem();
  });

  it('ends within seconds when the session ends, the role is taken or the key is revoked; the others go on', async () => {
    const [leaving, demoted, revoked] = await Promise.all([
      enrol(administrator, ['officer']),
      enrol(administrator, ['officer']),
      TestDock.enrol(administrator),
    ]);
    const mine = async (person: HttpClient): Promise<string> =>
      ofRecording((await announceOne(person, 'mine.mp4', variantOf(clip))).recording);
    const path = await mine(leaving.http);
    const elsewhere = await leaving.signInAgain();
    const ending = [
      await open(elsewhere, path),
      await open(demoted.http, await mine(demoted.http)),
      await open(revoked.http, ofManifest((await announced(revoked, variantOf(clip))).manifest)),
    ];
    const staying = await open(leaving.http, path);
    const at = performance.now();
    (await elsewhere.delete('/api/session')).expect(204);
    (await administrator.post(`/api/docks/${revoked.id}/revoke`, { reason: 'stolen' })).expect(204);
    await asSuperuser(stack.database, (database) =>
      database.query("UPDATE people SET roles = '{auditor}' WHERE id = $1", [demoted.id]),
    );
    await Promise.all(ending.map((stream) => stream.ended));
    expect(performance.now() - at).toBeLessThan(6000);
    expect((await open(leaving.http, path)).status).toBe(200);
    expect(staying.isOpen).toBe(true);
    staying.leave();
  });

  it('is given to one caller a bounded number of times, with room again as soon as one leaves', async () => {
    const person = await enrol(administrator, ['officer']);
    const path = ofRecording((await announceOne(person.http, 'mine.mp4', variantOf(clip))).recording);
    for (let i = 0; i <= MOST; i++) expect((await person.http.send('HEAD', path)).status).toBe(200); // none of which stays
    const streams = await Promise.all(Array.from({ length: MOST }, () => open(person.http, path)));
    const refused = await person.http.get(path);
    expect(refused.expect(429).problem().type).toBe('urn:custodiet:too-many-streams');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // Another session of the same person is the same caller, and nobody else is.
    (await (await person.signInAgain()).get(path)).expect(429);
    const others = await open(
      officer.http,
      ofRecording((await announceOne(officer.http, 'mine.mp4', variantOf(clip))).recording),
    );
    others.leave();

    streams.splice(0, 10).forEach((stream) => stream.leave());
    const room = await eventually('there is room again', async () => {
      const stream = await EventStream.open(person.http, path);
      if (stream.status === 200) return stream;
      stream.leave();
      return undefined;
    });
    [...streams, room].forEach((stream) => stream.leave());
  });

  it('goes on when the connection on which the service listens was lost', async () => {
    const bytes = variantOf(clip);
    const { files } = await announced(dock, bytes);
    const stream = await open(dock.http, ofRecording(files[0]!.recording));
    const lost = await asSuperuser(stack.database, (database) =>
      database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'",
      ),
    );
    expect(lost.rowCount).toBeGreaterThan(0);
    await finish(dock, files[0]!, bytes);
    await stream.ended;
    expect(stream.said<UploadAnswer>().at(-1)?.state).toBe('sealed');
  });

  it('ends when the database is gone, and begins anew with the present state when it is back', async () => {
    const path = await SeverablePath.to(stack.env['DATABASE_URL'] ?? '');
    const api = await anotherApi({ DATABASE_URL: path.url });
    try {
      const bytes = variantOf(clip);
      const { files } = await announced(dock, bytes);
      const { recording: id } = files[0]!;
      const stream = await open(at(api.url), ofRecording(id));
      await path.cut();
      await stream.ended;
      expect((await at(api.url).get(ofRecording(id))).status).toBeGreaterThanOrEqual(500);
      await finish(dock, files[0]!, bytes);
      await path.mend();
      const again = await eventually('the stream begins anew', async () => {
        const next = await EventStream.open(at(api.url), ofRecording(id));
        return next.status === 200 && next;
      });
      await again.ended;
      expect(again.said<UploadAnswer>().at(-1)?.state).toBe('sealed');
    } finally {
      await api.stop();
      await path.cut();
    }
  });

  it('ends in order, at once, when the service is stopped', async () => {
    const api = await anotherApi();
    const { manifest } = await announced(dock, variantOf(clip));
    const streams = await Promise.all(Array.from({ length: 5 }, () => open(at(api.url), ofManifest(manifest))));
    const stopping = performance.now();
    expect(await api.stop(10_000)).toBe(true);
    expect(performance.now() - stopping).toBeLessThan(3000);
    for (const stream of streams) expect((await stream.ended).inOrder).toBe(true);
  });

  it('keeps its connection awake when nothing happens', async () => {
    await eventually('a comment', () => quiet.comments.length > 0);
    expect(quiet.isOpen).toBe(true);
    expect(quiet.events).toHaveLength(1);
  });
});
