import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseAnswer, RecordingAnswer, SearchStatementAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { signIn, type Answer, type HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { runProgram } from './command-line.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol } from './enrolled-people.js';
import { announceFiles, anyFile, march, newSerial } from './numbered-recordings.js';
import { asSuperuser } from './superuser.js';
import { asking } from './watching.js';

type Stated = Parameters<typeof anyFile>[1];

/** St Stephen's in Vienna. */
const CATHEDRAL = { latE7: 482_085_000, lonE7: 163_731_000 };

let stack: Stack;
let administrator: HttpClient;
let investigator: HttpClient;
let custodian: HttpClient;
let auditor: HttpClient;
let dock: TestDock;
let cases = 0;

beforeAll(async () => {
  stack = await startStack({ CASE_NUMBER_PATTERN: '^(IA|[Cc])-\\d{4}-\\d{3,5}$' });
  [administrator, investigator, custodian, auditor] = (await Promise.all(
    ['administrator', 'investigator', 'custodian', 'auditor'].map((role) => stack.signIn(role)),
  )) as [HttpClient, HttpClient, HttpClient, HttpClient];
  dock = await TestDock.enrol(administrator);
}, 180_000);
afterAll(async () => stack?.stop(), 60_000);

/** Recordings as if their files had come and were sealed: what matters here is what is known of them. */
async function sealed(...stated: readonly Stated[]): Promise<string[]> {
  const ids = (
    await announceFiles(
      dock,
      stated.map((each) => anyFile(dock, each)),
    )
  ).map(({ recording }) => recording);
  await asSuperuser(stack.database, (database) =>
    database.query(
      "UPDATE recordings SET state = 'sealed', version_id = 'v', sealed_at = now(), sealed_entry = gen_random_uuid() WHERE id = ANY($1)",
      [ids],
    ),
  );
  return ids;
}

async function openCase(change: Readonly<Record<string, unknown>> = {}): Promise<CaseAnswer> {
  const number = `C-2026-${String(++cases).padStart(4, '0')}`;
  const answer = await investigator.post<CaseAnswer>('/api/cases', { number, title: `The stop ${cases}`, ...change });
  return answer.expect(201).body;
}

/** The events on a case's chain, first to last, once all have their place. */
async function eventsOf(subject: string): Promise<{ type: string; [member: string]: unknown }[]> {
  return eventually(`every entry about ${subject} has its place`, () =>
    asSuperuser(stack.database, async (database) => {
      const waiting = await database.query('SELECT 1 FROM custody_pending WHERE subject = $1', [subject]);
      if (waiting.rowCount !== 0) return undefined;
      const { rows } = await database.query<{ type: string; payload: string }>(
        'SELECT e.type, p.payload FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id WHERE e.subject = $1 ORDER BY e.seq',
        [subject],
      );
      return rows.map(({ type, payload }) => ({ type, ...(JSON.parse(payload) as { event: object }).event }));
    }),
  );
}

async function find(query: string, by: HttpClient = auditor): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | null = '', turns = 0; after !== null && turns < 50; turns++) {
    const page: { recordings: RecordingAnswer[]; next: string | null } = (
      await by.get<{ recordings: RecordingAnswer[]; next: string | null }>(
        `/api/recordings?${query}${after === '' ? '' : `&after=${after}`}`,
      )
    ).expect(200).body;
    found.push(...page.recordings.map(({ id }) => id));
    after = page.next;
  }
  return found;
}

describe('cases', () => {
  it('are opened under a number of the agency’s form, once, whatever the letters', async () => {
    const opened = await openCase({ sensitivity: 'high' });
    expect(opened).toMatchObject({ sensitivity: 'high', state: 'open', closedAt: null });
    const again = await investigator.post('/api/cases', { number: opened.number.toLowerCase(), title: 'Again' });
    expect(again.expect(409).problem().type).toBe('urn:custodiet:case-number-taken');
    for (const number of ['2026-1', 'C-2026-1', 'IA-2026\n-017', `C-2026-${'1'.repeat(60)}`, '', 'C-2026-0001\u0000'])
      (await investigator.post('/api/cases', { number, title: 'Another' })).expect(400, 422);
    (await custodian.post('/api/cases', { number: 'IA-2026-900', title: 'x', sensitivity: 'low' })).expect(400);
    expect(await eventsOf(opened.id)).toEqual([
      { type: 'case.opened', number: opened.number, title: opened.title, sensitivity: 'high' },
    ]);
    const both = await Promise.all(
      [1, 2].map(() => investigator.post('/api/cases', { number: 'IA-2026-901', title: 'Two at once' })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('are listed by what number or title begins with, open or closed, page by page', async () => {
    const opened = [];
    for (const title of ['Zebra 100%', 'Zebra 100 off', 'zebra other']) opened.push(await openCase({ title }));
    const ids = opened.map(({ id }) => id).reverse();
    const list = async (query: string): Promise<string[]> =>
      (await auditor.get<{ cases: CaseAnswer[] }>(`/api/cases?${query}`)).expect(200).body.cases.map(({ id }) => id);
    expect(await list('search=ZEBRA')).toEqual(ids);
    expect(await list(`search=${encodeURIComponent('Zebra 100%')}`)).toEqual(ids.slice(2));
    expect(await list(`search=${encodeURIComponent('%')}`)).toEqual([]);
    expect(await list(`search=${opened[1]?.number.toLowerCase() ?? ''}`)).toEqual(ids.slice(1, 2));
    const { next } = (await auditor.get<{ next: string }>('/api/cases?search=zebra&limit=2')).expect(200).body;
    expect(await list(`search=zebra&limit=2&after=${next}`)).toEqual(ids.slice(2));
    (await investigator.post(`/api/cases/${ids[0]}/close`, { reason: 'settled' })).expect(200);
    expect(await list('search=zebra&state=closed')).toEqual(ids.slice(0, 1));
    expect(await list('search=zebra&state=open')).toEqual(ids.slice(1));
  });

  it('keep the title of the time in the entries about their recordings', async () => {
    const [recording = ''] = await sealed({});
    const { id, number, title } = await openCase();
    const add = { recordings: [recording], reason: 'shows the stop' };
    expect((await investigator.post(`/api/cases/${id}/recordings`, add)).expect(200).body).toEqual({ added: [recording] });
    // Twice is once: no second entry.
    expect((await investigator.post(`/api/cases/${id}/recordings`, add)).expect(200).body).toEqual({ added: [] });
    expect((await auditor.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body.cases).toEqual([
      { id, number, title },
    ]);
    const change = { title: 'The arrest', reason: 'it was more than a stop' };
    (await investigator.send('PATCH', `/api/cases/${id}`, { json: change })).expect(200);
    (await investigator.send('PATCH', `/api/cases/${id}`, { json: change })).expect(200);
    const remove = { recordings: [recording, randomUUID()], reason: 'another place' };
    expect((await investigator.post(`/api/cases/${id}/recordings/remove`, remove)).expect(200).body).toEqual({
      removed: [recording],
    });
    (await investigator.post(`/api/cases/${id}/recordings/remove`, remove)).expect(200);
    const about = { case: id, number, recording };
    const added = { type: 'case.recording-added', ...about, title, reason: 'shows the stop' };
    const removed = { type: 'case.recording-removed', ...about, title: 'The arrest', reason: 'another place' };
    const was = { title, sensitivity: 'normal' };
    expect(await eventsOf(id)).toEqual([
      { type: 'case.opened', number, title, sensitivity: 'normal' },
      added,
      { type: 'case.changed', number, title: 'The arrest', sensitivity: 'normal', was, reason: change.reason },
      removed,
    ]);
    const chain = (await chainOf(auditor, recording)).filter(({ type }) => type.startsWith('case.'));
    expect(chain.map(({ type, event }) => ({ type, ...event }))).toEqual([added, removed]);
    expect((await auditor.get<CaseAnswer>(`/api/cases/${id}`)).expect(200).body).toMatchObject({
      recordingCount: 0,
      recordings: [],
    });
  });

  it('hold a recording once however many add it at the same time', async () => {
    const recordings = await sealed({}, {}, {}, {});
    const { id } = await openCase();
    const answers = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((i) =>
        (i % 2 === 0 ? investigator : custodian).post<{ added: string[] }>(`/api/cases/${id}/recordings`, {
          recordings: i % 3 === 0 ? recordings : recordings.toReversed().slice(0, 3),
        }),
      ),
    );
    expect(answers.flatMap((answer) => answer.expect(200).body.added).sort()).toEqual(recordings.toSorted());
    expect((await eventsOf(id)).filter(({ type }) => type === 'case.recording-added')).toHaveLength(4);
    expect((await auditor.get<CaseAnswer>(`/api/cases/${id}`)).expect(200).body.recordings).toEqual(
      recordings.toSorted().reverse(),
    );
  });

  it('take nothing that is not held, and change no more while they are closed', async () => {
    const [receiving] = await announceFiles(dock, [anyFile(dock, {})]);
    const [recording = ''] = await sealed({});
    const { id } = await openCase();
    const unknown = [receiving?.recording ?? '', randomUUID()];
    const refused = await investigator.post(`/api/cases/${id}/recordings`, { recordings: [recording, ...unknown] });
    expect(refused.expect(422).problem()['recordings']).toEqual(unknown.toSorted());
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: [] })).expect(400);
    (await investigator.post(`/api/cases/${id}/close`, { reason: 'settled' })).expect(200);
    for (const [path, body] of [
      ['recordings', { recordings: [recording] }],
      ['recordings/remove', { recordings: [recording], reason: 'mistaken' }],
      ['people', { name: 'B. Bystander', part: 'witness' }],
      ['close', { reason: 'settled' }],
    ] as const)
      expect((await investigator.post(`/api/cases/${id}/${path}`, body)).expect(409).problem().type).toBe(
        'urn:custodiet:case-state',
      );
    (await investigator.post(`/api/cases/${id}/reopen`, { reason: 'appeal' })).expect(200);
    (await investigator.post(`/api/cases/${id}/reopen`, { reason: 'appeal' })).expect(409);
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: [recording] })).expect(200);
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
      'case.opened',
      'case.closed',
      'case.reopened',
      'case.recording-added',
    ]);
  });

  it('name people, and are changed by nobody whom they are about, under whatever account', async () => {
    const { id, number } = await openCase();
    const [recording = ''] = await sealed({});
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: [recording] })).expect(200);
    const subject = await enrol(administrator, ['investigator']);
    const password = 'long enough for us';
    const username = `other-${randomUUID()}`;
    const second = { username, password, name: 'Other', badge: null, roles: ['custodian'], sameAs: subject.id };
    (await administrator.post('/api/people', second)).expect(201);
    const otherAccount = await signIn(stack.url, { username, password });
    const people = `/api/cases/${id}/people`;
    (await subject.http.post(people, { name: 'B. Bystander', part: 'witness' })).expect(200);
    (await subject.http.post(people, { name: 'b. bystander', part: 'witness' })).expect(200);
    const named = (await investigator.post<{ id: string; name: string }>(people, { person: subject.id, part: 'subject' })).expect(
      200,
    ).body;
    for (const client of [subject.http, otherAccount])
      for (const attempt of [
        client.send('PATCH', `/api/cases/${id}`, { json: { sensitivity: 'normal', reason: 'not that bad' } }),
        client.post(`${people}/remove`, { id: named.id, reason: 'not me' }),
        client.post(`/api/cases/${id}/close`, { reason: 'nothing in it' }),
        // Nor do they learn what it is called, or what is in it.
        client.get(`/api/cases/${id}`),
        client.get(`/api/cases/${id}/access-requests`),
        client.get(`/api/recordings?case=${id}`),
        client.post('/api/access-requests', { ...asking([]), recordings: undefined, case: id }),
        client.post('/api/access-requests', { ...asking([]), recordings: undefined, search: { case: id } }),
      ])
        expect((await attempt).expect(403).problem()['reason']).toBe('subject-of-request');
    for (const client of [subject.http, otherAccount]) {
      const { cases: listed } = (await client.get<{ cases: CaseAnswer[] }>(`/api/cases?search=${number}`)).expect(200).body;
      expect(listed).toEqual([]);
      expect((await client.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body.cases).toEqual([]);
    }
    expect((await auditor.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body.cases).toMatchObject([{ id }]);
    (await investigator.post(people, { person: randomUUID(), part: 'subject' })).expect(422);
    (await investigator.post(`${people}/remove`, { id: randomUUID(), reason: 'mistaken' })).expect(404);
    (await investigator.post(`${people}/remove`, { id: named.id, reason: 'mistaken' })).expect(204);
    (await subject.http.send('PATCH', `/api/cases/${id}`, { json: { sensitivity: 'high', reason: 'a child is shown' } })).expect(
      200,
    );
    const types = (await eventsOf(id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'access.refused')).toHaveLength(10);
    expect(types.filter((type) => type !== 'access.refused')).toEqual([
      'case.opened',
      'case.recording-added',
      'case.person-added',
      'case.person-added',
      'case.person-removed',
      'case.changed',
    ]);
    expect((await auditor.get<CaseAnswer>(`/api/cases/${id}`)).expect(200).body.people).toMatchObject([
      { person: null, name: 'B. Bystander', part: 'witness' },
    ]);
    expect(number).toMatch(/^C-/);
  });

  it('lend their sensitivity to redacted copies too, and are asked for without those that nobody released', async () => {
    const [original = ''] = await sealed({});
    const [released, unreleased] = [randomUUID(), randomUUID()];
    await asSuperuser(stack.database, (database) =>
      database.query(
        `INSERT INTO recordings (id, parent_id, origin, name, size, sha256, recorded_at, clock_offset_ms, state, bucket, key, version_id, part_size,
                                 announced_at, sealed_at, sealed_entry, released_at)
         SELECT id, $1, 'derived', 'redacted.mp4', 1, sha256(id::text::bytea), now(), 0, 'sealed', 'none', id::text, 'v', 1, now(), now(), id,
                CASE WHEN id = $2 THEN now() END FROM unnest($3::uuid[]) AS id`,
        [original, released, [released, unreleased]],
      ),
    );
    const [of, high] = [await openCase(), await openCase({ sensitivity: 'high' })];
    (await investigator.post(`/api/cases/${of.id}/recordings`, { recordings: [released, unreleased] })).expect(200);
    (await investigator.post(`/api/cases/${high.id}/recordings`, { recordings: [original] })).expect(200);
    const { recordings: _, ...body } = asking([]);
    const { id } = (await investigator.post<{ id: string }>('/api/access-requests', { ...body, case: of.id })).expect(201).body;
    const { rows } = await asSuperuser(stack.database, (database) =>
      database.query('SELECT recording_id AS id, sensitivity FROM access_request_items WHERE request_id = $1', [id]),
    );
    expect(rows).toEqual([{ id: released, sensitivity: 'high' }]);
  });

  it('are asked for as a whole, with the sensitivity of the most sensitive open case, and show what was asked', async () => {
    const recordings = await sealed({}, {});
    const [normal, high] = [await openCase(), await openCase({ sensitivity: 'high' })];
    const empty = await openCase();
    (await investigator.post(`/api/cases/${normal.id}/recordings`, { recordings })).expect(200);
    (await investigator.post(`/api/cases/${high.id}/recordings`, { recordings: recordings.slice(1) })).expect(200);
    const ask = (target: object, by = investigator): Promise<Answer<{ id: string }>> => {
      const { recordings: _, ...body } = asking([], { caseNumber: normal.number.toLowerCase() });
      return by.post<{ id: string }>('/api/access-requests', { ...body, ...target });
    };
    const items = async (request: string): Promise<unknown> =>
      asSuperuser(stack.database, async (database) => {
        const query =
          'SELECT recording_id AS id, sensitivity FROM access_request_items WHERE request_id = $1 ORDER BY recording_id';
        return (await database.query<{ id: string; sensitivity: string }>(query, [request])).rows;
      });
    const { id } = (await ask({ case: normal.id })).expect(201).body;
    const [first = '', second = ''] = recordings;
    const expected = [
      { id: first, sensitivity: 'normal' },
      { id: second, sensitivity: 'high' },
    ].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(await items(id)).toEqual(expected);
    (await custodian.post(`/api/cases/${high.id}/close`, { reason: 'settled' })).expect(200);
    const later = (await ask({ case: normal.id })).expect(201).body;
    expect(await items(later.id)).toEqual(expected.map((item) => ({ ...item, sensitivity: 'normal' })));
    const { requests } = (await auditor.get<{ requests: { id: string }[] }>(`/api/cases/${normal.id}/access-requests`)).expect(
      200,
    ).body;
    expect(requests.map((request) => request.id)).toEqual([later.id, id]);
    expect((await ask({ case: empty.id })).expect(422).problem().type).toBe('urn:custodiet:nothing-to-ask-for');
    expect((await ask({ case: randomUUID() })).expect(422).problem().type).toBe('urn:custodiet:case-unknown');
    const officer = await stack.signIn('officer');
    (await ask({ case: normal.id }, officer)).expect(403);
    (await ask({ search: { flagged: false } }, officer)).expect(403);
  });
});

describe('a search', () => {
  it('finds by camera, badge, true time, category, flag, origin and case, one page after the other', async () => {
    const camera = newSerial();
    const [a = '', b = '', c = '', d = ''] = await sealed(
      { camera, officer: `B-${camera}`, recordedAt: march(18), category: 'arrest' },
      // The camera was two hours ahead.
      { camera, recordedAt: march(20.5), clockOffsetMs: 7_200_000, flagged: true },
      { camera, recordedAt: march(20), category: 'stop' },
      { recordedAt: march(18.5), officer: `B-${camera}` },
    );
    expect(await find(`camera=${camera}`)).toEqual([c, b, a].sort().reverse());
    const period = `recordedFrom=${march(18)}&recordedTo=${march(20)}`;
    expect(await find(`camera=${camera}&${period}`)).toEqual([b, a]);
    expect(await find(`camera=${camera}&recordedFrom=${march(17)}&limit=1`)).toEqual([c, b, a]);
    expect((await find(`officer=B-${camera}`)).sort()).toEqual([a, d].sort());
    expect(await find(`camera=${camera}&category=stop`)).toEqual([c]);
    expect(await find(`camera=${camera}&flagged=true`)).toEqual([b]);
    expect((await find(`camera=${camera}&flagged=false&origin=dock`)).sort()).toEqual([a, c].sort());
    expect(await find(`camera=${camera}&origin=handed-in`)).toEqual([]);
    const { id } = await openCase();
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: [a, d] })).expect(200);
    expect((await find(`case=${id}`)).sort()).toEqual([a, d].sort());
    expect(await find(`case=${id}&camera=${camera}`)).toEqual([a]);
    expect(await find(`camera=${camera}&after=${randomUUID()}&recordedFrom=${march(0)}`)).toEqual([]);
  });

  it('finds what came near a place, between two points of the track too, and nothing that passed by', async () => {
    const camera = newSerial();
    const at = (northE7: number, eastE7: number) => ({
      latE7: CATHEDRAL.latE7 + northE7,
      lonE7: CATHEDRAL.lonE7 + eastE7,
    });
    const track = (...points: { latE7: number; lonE7: number }[]) => points.map((point, i) => ({ ...point, atMs: i * 1000 }));
    const [there = '', past = '', beyond = ''] = await sealed(
      { camera, gpsTrack: track(at(500_000, 0), at(9000, 0)) },
      { camera, gpsTrack: track(at(4000, -500_000), at(4000, 500_000)) },
      // All around it, 400 m away.
      { camera, gpsTrack: track(at(36_000, -54_000), at(36_000, 54_000), at(-36_000, 54_000), at(-36_000, -54_000)) },
      { camera },
    );
    const near = `camera=${camera}&near=48.2085,16.3731`;
    expect((await find(`${near}&radiusM=200&limit=1`)).sort()).toEqual([there, past].sort());
    expect(await find(`${near}&radiusM=60`)).toEqual([past]);
    expect((await find(`${near}&radiusM=50000`)).sort()).toEqual([there, past, beyond].sort());
    const [dateLine = ''] = await sealed({
      camera,
      gpsTrack: track({ latE7: 0, lonE7: 1_799_990_000 }, { latE7: 0, lonE7: -1_799_990_000 }),
    });
    expect(await find(`camera=${camera}&near=0,180&radiusM=50`)).toEqual([dateLine]);
    expect(await find(`camera=${camera}&near=0.0,-180&radiusM=50`)).toEqual([dateLine]);
    expect(await find(`camera=${camera}&near=0,0&radiusM=50000`)).toEqual([]);
  });

  it.each([
    'near=48.2,16.3',
    'radiusM=200',
    'near=48.2,16.3&radiusM=0',
    'near=48.2,16.3&radiusM=50001',
    'near=48.2,16.3&radiusM=1.5',
    'near=90.1,16.3&radiusM=200',
    'near=48.2,180.1&radiusM=200',
    'near=48.2&radiusM=200',
    'near=north,west&radiusM=200',
    'near=1e1,1e1&radiusM=200',
    'recordedFrom=2026-03-14T18:00:00',
    'recordedFrom=2026-03-14T18:00:00Z&recordedTo=2026-03-14T18:00:00Z',
    'origin=elsewhere',
    'case=1',
    'flagged=yes',
    'camera=',
    'camera=a&camera=b',
  ])('refuses %s', async (query) => {
    (await auditor.get(`/api/recordings?${query}`)).expect(400);
  });

  it('shows officers their own, and nothing of the cases these are in', async () => {
    const officer = await enrol(administrator, ['officer'], `B-${newSerial()}`);
    const [own = '', other = ''] = await sealed({ officer: officer.badge ?? '' }, { officer: 'B-0' });
    const { id } = await openCase();
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: [own, other] })).expect(200);
    expect(await find(`recordedFrom=${march(-1000)}`, officer.http)).toEqual([own]);
    expect((await officer.http.get<RecordingAnswer>(`/api/recordings/${own}`)).expect(200).body.cases).toBeNull();
    expect((await officer.http.get(`/api/recordings?case=${id}`)).expect(403).problem()['reason']).toBe('role');
    (await officer.http.post('/api/search-statements', { search: { case: id } })).expect(403);
    (await officer.http.get(`/api/cases/${id}`)).expect(403);
  });

  it('is asked for as several sets of conditions, of which a recording meets any', async () => {
    const camera = newSerial();
    const point = { latE7: -337_000_000, lonE7: 1_512_000_000, atMs: 0 };
    const [a = '', b = '', c = ''] = await sealed(
      { camera, recordedAt: march(18.5) },
      { camera, recordedAt: march(21), gpsTrack: [point] },
      { camera, recordedAt: march(21) },
    );
    const search = [
      { camera, recordedFrom: march(18), recordedTo: march(20) },
      { camera, near: { lat: -33.7001, lon: 151.2, radiusM: 200 } },
      { camera, recordedFrom: march(18), recordedTo: march(19) },
    ];
    const { recordings: _, ...body } = asking([]);
    const request = (await investigator.post<{ id: string }>('/api/access-requests', { ...body, search })).expect(201).body;
    const { rows } = await asSuperuser(stack.database, (database) =>
      database.query<{ id: string }>('SELECT recording_id AS id FROM access_request_items WHERE request_id = $1', [request.id]),
    );
    expect(rows.map(({ id }) => id).sort()).toEqual([a, b].sort());
    expect(c).not.toBe('');
  });
});

describe('a statement that a search found nothing', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-statements-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function verify(text: string, ...args: string[]): Promise<{ code: number | null; stdout: string }> {
    const file = join(folder, 'statement.json');
    await writeFile(file, text);
    return runProgram('custodiet-verify.mjs', ['statement', file, ...args]);
  }

  it('says what was covered and what is missing, and is verified with nothing but the log’s key', async () => {
    const camera = newSerial();
    await sealed({ camera, counter: 4, recordedAt: march(100) }, { camera, counter: 7, recordedAt: march(103) });
    const [waiting] = await announceFiles(dock, [anyFile(dock, { camera, counter: 8, recordedAt: march(102.5) })]);
    const search = { camera, recordedFrom: march(101), recordedTo: march(103) };
    const made = (await investigator.post<SearchStatementAnswer>('/api/search-statements', { search })).expect(201).body;
    expect(made.statement).toMatchObject({
      agency: 'Test agency',
      roles: ['investigator'],
      search: [search],
      coverage: [
        {
          from: march(101),
          until: march(103),
          notSealedCount: 1,
          notSealed: [{ recording: waiting?.recording, camera, state: 'receiving' }],
          cameras: [{ serial: camera, missingCount: 2, missing: [{ from: 5, to: 6, after: march(100), before: march(103) }] }],
        },
      ],
    });
    const { text } = (await auditor.get(`/api/search-statements/${made.id}`)).expect(200);
    const verified = await verify(text, '--log-key', stack.logKey);
    expect(verified.stdout).toContain('VERIFIED: Test agency put on record that it found no recording.');
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).toContain(`camera ${camera}: 2 missing: 5–6`);
    const proven = JSON.parse(text) as { statement: string };
    const other = JSON.stringify({ ...proven, statement: proven.statement.replace(camera, 'X-0') });
    expect(await verify(other, '--log-key', stack.logKey)).toMatchObject({ code: 1 });
    expect(await verify(text)).toMatchObject({ code: 2 });
    expect(await eventsOf(made.id)).toMatchObject([
      { type: 'search.nothing-found', search: `camera ${camera}, recorded from ${march(101)}, recorded before ${march(103)}` },
    ]);
  });

  it('names every camera that might have been there when none was named', async () => {
    const camera = newSerial();
    await sealed({ camera, counter: 1, recordedAt: march(5000) }, { camera, counter: 3, recordedAt: march(5010) });
    const near = { lat: 10, lon: 10, radiusM: 500 };
    const search = { near, recordedFrom: march(5004), recordedTo: march(5006) };
    const { statement } = (await auditor.post<SearchStatementAnswer>('/api/search-statements', { search })).expect(201).body;
    expect(statement.coverage[0]).toMatchObject({ onRecord: 0, camerasTruncated: false });
    expect(statement.coverage[0]?.cameras.map(({ serial }) => serial)).toContain(camera);
    expect(statement.search).toEqual([{ ...search, near: { latE7: 100_000_000, lonE7: 100_000_000, radiusM: 500 } }]);
  });

  it('is not made of what is found, nor of no search at all', async () => {
    const camera = newSerial();
    await sealed({ camera }, { camera });
    const found = await custodian.post('/api/search-statements', { search: [{ camera: newSerial() }, { camera }] });
    expect(found.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:search-finds-something', found: 2, more: false });
    for (const search of [
      {},
      [],
      [{}],
      { camera: 1 },
      { near: { lat: 91, lon: 0, radiusM: 1 } },
      Array.from({ length: 11 }, () => ({ camera })),
    ])
      (await custodian.post('/api/search-statements', { search })).expect(400);
    (await custodian.get(`/api/search-statements/${randomUUID()}`)).expect(404);
  });

  it('never denies what was on record by then, however close the two come', async () => {
    const camera = newSerial();
    const { recording } = await dock.send('clip.mp4', await clipBytes({ seconds: 1 }), { camera });
    const sizes: bigint[] = [];
    let over = false;
    const ask = async (): Promise<void> => {
      while (!over) {
        const answer = await custodian.post<SearchStatementAnswer>('/api/search-statements', { search: { camera } });
        if (answer.expect(201, 409).status === 409) over = true;
        else sizes.push(BigInt(answer.body.statement.log.size));
      }
    };
    const asking = [ask(), ask(), ask()];
    (await dock.complete(recording)).expect(202);
    await dock.settled(recording);
    await Promise.all(asking);
    const { index } = await entryOn(auditor, recording, 'recording.sealed');
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.filter((size) => size > BigInt(index))).toEqual([]);
  });
});

// Last: the log needs a moment to place so many entries.
describe('ten thousand recordings', () => {
  it('go into one case at once, and one more than may be asked for is refused', async () => {
    const camera = newSerial();
    const ids = await asSuperuser(stack.database, async (database) => {
      const { rows } = await database.query<{ id: string }>(
        `INSERT INTO recordings (id, name, size, sha256, camera, recorded_at, clock_offset_ms, state, bucket, key, version_id, part_size,
                                 announced_at, sealed_at, sealed_entry)
         SELECT id, 'many.mp4', 1, sha256(id::text::bytea), $1, now(), 0, 'sealed', 'none', id::text, 'v', 1, now(), now(), id
         FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 10001)) AS made RETURNING id`,
        [camera],
      );
      return rows.map(({ id }) => id);
    });
    const { recordings: _, ...body } = asking([]);
    const refused = await investigator.post('/api/access-requests', { ...body, search: { camera } });
    expect(refused.expect(422).problem().type).toBe('urn:custodiet:too-many-recordings');
    const stated = await investigator.post('/api/search-statements', { search: { camera } });
    expect(stated.expect(409).problem()).toMatchObject({ found: 10_000, more: true });
    const { id } = await openCase();
    (await investigator.post(`/api/cases/${id}/recordings`, { recordings: ids })).expect(400);
    const recordings = ids.slice(1);
    const { added } = (await investigator.post<{ added: string[] }>(`/api/cases/${id}/recordings`, { recordings })).expect(
      200,
    ).body;
    expect(added).toEqual(recordings.toSorted());
    expect((await auditor.get<CaseAnswer>(`/api/cases/${id}`)).expect(200).body.recordingCount).toBe(10_000);
  });
});
