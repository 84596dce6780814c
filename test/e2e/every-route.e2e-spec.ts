import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { RedactionAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { HttpClient, signIn, type Answer, type ProblemDocument } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { entryOn } from './custody-chain.js';
import { disclosed, disclosing, issue, propose } from './disclosing.js';
import { enrol } from './enrolled-people.js';
import { fileOf, handing } from './handing-in.js';
import { freePort } from './process-inspection.js';
import { ask, asking, grantExport, inSeconds, openViewing, playable } from './watching.js';

const ROLES = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor', 'administrator'] as const;
type Role = (typeof ROLES)[number];

interface Route {
  /** Who may, of people who hold one role and no grant; `public` is everybody, with or without an account. */
  readonly may: 'public' | 'anybody signed in' | readonly Role[];
  /** A docking station may, about its own recordings. */
  readonly dock?: true;
  /** Somebody outside may, about what was disclosed to them. */
  readonly recipient?: true;
  /** What the path's `{id}` names. */
  readonly about?:
    | 'recording'
    | 'manifest'
    | 'alert'
    | 'camera'
    | 'dock'
    | 'access request'
    | 'delegation'
    | 'grant'
    | 'redaction'
    | 'viewing'
    | 'job'
    | 'redaction proposal'
    | 'disclosure'
    | 'lock'
    | 'notice'
    | 'emergency'
    | 'sampling'
    | 'case'
    | 'search statement';
  /** A body that is good, where the route takes JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
}

const HANDING_IN = ['officer', 'supervisor', 'investigator', 'custodian'] as const;
const READERS = ['supervisor', 'investigator', 'custodian', 'auditor'] as const;
const OVERSEERS = ['supervisor', 'custodian', 'auditor', 'administrator'] as const;
const KEY = Buffer.alloc(32, 7).toString('base64');
const PLAN = { v: 1, regions: [], mutes: [{ fromMs: 0, toMs: 500, reason: 'name' }] };

const EMERGENCY = { purpose: 'prosecution', caseNumber: 'IA-2026-018', justification: 'A suspect is at large and armed' };
// Conditions may be left out, or be empty.
const { conditions: _, ...DISCLOSURE } = disclosing([randomUUID()]);
const SAMPLING = {
  purpose: 'supervision',
  filter: { recordedFrom: '2026-03-01T00:00:00Z', recordedTo: '2026-04-01T00:00:00Z' },
  draw: 1,
};

/** A route that is not here fails the first test: whoever adds one says here who may use it. */
const ROUTES: Readonly<Record<string, Route>> = {
  'GET /health/live': { may: 'public' },
  'GET /health/ready': { may: 'public' },
  'GET /log/checkpoint': { may: 'public' },
  'GET /log/keys': { may: 'public' },
  'GET /log/proof': { may: 'public' },
  'GET /log/tile/{level}/{path}': { may: 'public' },
  'GET /log/tile/entries/{path}': { may: ['auditor'] },
  'POST /api/session': { may: 'public', body: { username: 'nobody', password: 'wrong' } },
  'GET /api/session': { may: 'anybody signed in' },
  'DELETE /api/session': { may: 'anybody signed in' },
  'POST /api/people': {
    may: ['administrator'],
    body: { username: 'new.person', name: 'New', badge: 'N-1', roles: ['officer'], password: 'long enough for us' },
  },
  'GET /api/people': { may: ['administrator', 'custodian', 'auditor'] },
  'POST /api/service-tokens': { may: ['administrator'], body: { name: 'machine', roles: ['auditor'], days: 1 } },
  'POST /api/docks': { may: ['administrator'], body: { name: 'Dock', publicKey: KEY } },
  'GET /api/docks': { may: ['administrator', 'auditor'] },
  'POST /api/docks/{id}/revoke': { may: ['administrator'], about: 'dock', body: { reason: 'out of service' } },
  'POST /api/cameras': { may: ['administrator'], body: { serial: 'X81', model: 'Body 3' } },
  'GET /api/cameras': { may: OVERSEERS },
  'GET /api/cameras/unregistered': { may: OVERSEERS },
  'POST /api/cameras/{id}/retire': { may: ['administrator'], about: 'camera', body: { reason: 'out of service' } },
  'POST /api/cameras/{id}/assignments': {
    may: ['supervisor', 'administrator'],
    about: 'camera',
    body: { person: randomUUID(), from: inSeconds(0), until: inSeconds(60) },
  },
  'GET /api/cameras/{id}/assignments': { may: OVERSEERS, about: 'camera' },
  'POST /api/cameras/{id}/release': { may: ['supervisor', 'administrator'], about: 'camera', body: { until: inSeconds(60) } },
  'GET /api/cameras/{id}/gaps': { may: OVERSEERS, about: 'camera' },
  'GET /api/camera-gaps': { may: OVERSEERS },
  'POST /api/docking/manifests': { may: [], dock: true },
  'GET /api/docking/recordings/{id}': { may: [], dock: true, about: 'recording' },
  'GET /api/docking/recordings/{id}/events': { may: [], dock: true, about: 'recording' },
  'GET /api/docking/manifests/{id}/events': { may: [], dock: true, about: 'manifest' },
  'PUT /api/docking/recordings/{id}/parts/{part}': { may: [], dock: true, about: 'recording' },
  'POST /api/docking/recordings/{id}/complete': { may: [], dock: true, about: 'recording' },
  'GET /api/docking/recordings/{id}/receipt': { may: [], dock: true, about: 'recording' },
  'POST /api/hand-ins': { may: HANDING_IN, body: handing([fileOf('a.mp4', Buffer.from('a'))], { note: 'by e-mail' }) },
  'GET /api/hand-ins': { may: HANDING_IN },
  'GET /api/hand-ins/events': { may: HANDING_IN },
  'GET /api/recordings': { may: ['officer', ...READERS] },
  // An officer may read their own; the recording of this test is nobody's.
  'GET /api/recordings/{id}': { may: READERS, about: 'recording' },
  'POST /api/cases': { may: ['investigator', 'custodian'], body: { number: 'IA-2026-018', title: 'The stop' } },
  'GET /api/cases': { may: READERS },
  'GET /api/cases/{id}': { may: READERS, about: 'case' },
  'GET /api/cases/{id}/access-requests': { may: READERS, about: 'case' },
  'PATCH /api/cases/{id}': {
    may: ['investigator', 'custodian'],
    about: 'case',
    body: { title: 'The arrest', reason: 'it was more than a stop' },
  },
  'POST /api/cases/{id}/close': { may: ['investigator', 'custodian'], about: 'case', body: { reason: 'settled' } },
  'POST /api/cases/{id}/reopen': { may: ['investigator', 'custodian'], about: 'case', body: { reason: 'appeal' } },
  'POST /api/cases/{id}/recordings': {
    may: ['investigator', 'custodian'],
    about: 'case',
    body: { recordings: [randomUUID()] },
  },
  'POST /api/cases/{id}/recordings/remove': {
    may: ['investigator', 'custodian'],
    about: 'case',
    body: { recordings: [randomUUID()], reason: 'mistaken' },
  },
  'POST /api/cases/{id}/people': {
    may: ['investigator', 'custodian'],
    about: 'case',
    body: { name: 'B. Bystander', part: 'witness' },
  },
  'POST /api/cases/{id}/people/remove': {
    may: ['investigator', 'custodian'],
    about: 'case',
    body: { id: randomUUID(), reason: 'mistaken' },
  },
  'POST /api/search-statements': { may: READERS, body: { search: { camera: 'NOBODY-HAS-IT' } } },
  'GET /api/search-statements/{id}': { may: READERS, about: 'search statement' },
  'POST /api/recordings/{id}/fixity-checks': { may: ['custodian', 'auditor'], about: 'recording' },
  'GET /api/recordings/{id}/fixity-checks': { may: ['custodian', 'auditor'], about: 'recording' },
  'GET /api/alerts': { may: ['custodian', 'auditor', 'administrator'] },
  'POST /api/alerts/{id}/acknowledge': {
    may: ['custodian', 'administrator'],
    about: 'alert',
    body: { note: 'seen and dealt with' },
  },
  'GET /api/jobs': { may: ['custodian', 'auditor', 'administrator'] },
  'GET /api/jobs/{id}': { may: ['custodian', 'auditor', 'administrator'], about: 'job' },
  'POST /api/jobs/{id}/cancel': { may: ['custodian', 'administrator'], about: 'job', body: { reason: 'not needed' } },
  'POST /api/jobs/{id}/retry': { may: ['custodian', 'administrator'], about: 'job' },
  'GET /api/recordings/{id}/custody': { may: ['auditor', 'custodian'], about: 'recording' },
  'POST /api/recordings/{id}/custody-report': { may: ['auditor', 'custodian'], about: 'recording' },
  'POST /api/recordings/{id}/evidence-bundle': { may: ['auditor', 'custodian'], about: 'recording' },
  'POST /api/recordings/{id}/redactions': {
    may: ['custodian'],
    about: 'recording',
    body: { plan: PLAN, reason: 'for the public' },
  },
  'GET /api/recordings/{id}/redactions': { may: ['custodian', 'auditor'], about: 'recording' },
  'GET /api/redaction-policy': { may: ['custodian', 'auditor'] },
  'GET /api/redactions/{id}': { may: ['custodian', 'auditor'], about: 'redaction' },
  'GET /api/redactions/{id}/plans/{version}': { may: ['custodian', 'auditor'], about: 'redaction' },
  'PUT /api/redactions/{id}/plan': { may: ['custodian'], about: 'redaction', body: { plan: PLAN, version: 1, note: 'wider' } },
  'POST /api/redactions/{id}/render': { may: ['custodian'], about: 'redaction', body: { version: 1 } },
  'POST /api/redactions/{id}/review': {
    may: ['custodian'],
    about: 'redaction',
    body: { version: 1, verdict: 'rejected', note: 'a face is seen' },
  },
  'POST /api/redactions/{id}/release': { may: ['custodian'], about: 'redaction' },
  'POST /api/redactions/{id}/discard': { may: ['custodian'], about: 'redaction', body: { reason: 'no longer needed' } },
  'POST /api/recordings/{id}/redaction-proposals': {
    may: ['custodian'],
    about: 'recording',
    body: { kind: 'track', box: { x: 10, y: 10, width: 60, height: 60 }, atMs: 0, untilMs: 500 },
  },
  'GET /api/redaction-proposals/{id}': { may: ['custodian'], about: 'redaction proposal' },
  'POST /api/redaction-proposals/{id}/confirm': {
    may: ['custodian'],
    about: 'redaction proposal',
    body: { tracks: ['1'], reason: 'bystander' },
  },
  'POST /api/access-requests': { may: ['officer', ...READERS], body: asking([randomUUID()]) },
  'GET /api/access-requests': { may: ['officer', ...READERS] },
  'GET /api/access-policy': { may: ['officer', ...READERS, 'administrator'] },
  'GET /api/access-requests/{id}': { may: READERS, about: 'access request' },
  // Of whoever made it, and nobody else.
  'PUT /api/access-requests/{id}': { may: [], about: 'access request', body: asking([randomUUID()]) },
  'POST /api/access-requests/{id}/submit': { may: [], about: 'access request' },
  'POST /api/access-requests/{id}/withdraw': { may: [], about: 'access request', body: { reason: 'not needed' } },
  'POST /api/access-requests/{id}/close': { may: [], about: 'access request' },
  'POST /api/delegations': {
    may: READERS,
    body: { to: randomUUID(), role: 'custodian', until: inSeconds(60), reason: 'on leave' },
  },
  'GET /api/delegations': { may: ['officer', ...READERS] },
  'POST /api/delegations/{id}/end': { may: ['custodian'], about: 'delegation', body: { reason: 'back again' } },
  'POST /api/access-requests/{id}/grant': { may: ['custodian'], about: 'access request', body: { until: inSeconds(60) } },
  'POST /api/access-requests/{id}/deny': { may: ['custodian'], about: 'access request', body: { reason: 'not needed' } },
  'POST /api/recordings/{id}/locks': {
    may: ['investigator', 'custodian'],
    about: 'recording',
    body: { person: randomUUID(), reason: 'to make a statement' },
  },
  'GET /api/recordings/{id}/locks': { may: READERS, about: 'recording' },
  'POST /api/locks/{id}/statement': { may: ['investigator'], about: 'lock', body: { statement: 'IA-2026-017, page 3' } },
  'POST /api/locks/{id}/lift': { may: ['investigator'], about: 'lock', body: { reason: 'statement made' } },
  'POST /api/break-glass': {
    may: ['officer', ...READERS],
    body: { ...EMERGENCY, recordings: [randomUUID()] },
  },
  'GET /api/break-glass': { may: ['officer', ...READERS] },
  'POST /api/break-glass/{id}/review': {
    may: ['custodian', 'auditor'],
    about: 'emergency',
    body: { justified: true, note: 'looked at' },
  },
  'GET /api/notices': { may: 'anybody signed in' },
  // Each is for one person; that of this test is the auditor's.
  'POST /api/notices/{id}/read': { may: ['auditor'], about: 'notice' },
  'POST /api/samplings': { may: ['supervisor', 'auditor'], body: SAMPLING },
  'GET /api/samplings': { may: ['supervisor', 'custodian', 'auditor'] },
  'GET /api/samplings/{id}': { may: ['supervisor', 'custodian', 'auditor'], about: 'sampling' },
  'POST /api/disclosures': { may: ['custodian'], body: DISCLOSURE },
  'GET /api/disclosures': { may: ['custodian', 'auditor'] },
  'GET /api/disclosures/{id}': { may: ['custodian', 'auditor'], about: 'disclosure' },
  'POST /api/disclosures/{id}/approve': { may: ['custodian'], about: 'disclosure', body: { note: 'as ordered' } },
  'POST /api/disclosures/{id}/refuse': { may: ['custodian'], about: 'disclosure', body: { reason: 'no basis' } },
  'POST /api/disclosures/{id}/link': { may: ['custodian'], about: 'disclosure' },
  'POST /api/disclosures/{id}/code': { may: ['custodian'], about: 'disclosure' },
  'POST /api/disclosures/{id}/revoke': { may: ['custodian'], about: 'disclosure', body: { reason: 'sent in error' } },
  'POST /api/disclosed/open': { may: 'public', body: { token: 'a'.repeat(43), code: '12345678' } },
  'GET /api/disclosed': { may: [], recipient: true },
  'GET /api/disclosed/package': { may: [], recipient: true },
  'GET /api/disclosed/proof': { may: [], recipient: true },
  'POST /api/disclosed/confirm': { may: [], recipient: true, body: { sha256: 'a'.repeat(64) } },
  'GET /api/grants': { may: ['officer', ...READERS] },
  'POST /api/grants/{id}/revoke': { may: ['custodian'], about: 'grant', body: { reason: 'no longer needed' } },
  // Without a grant nobody may; test/e2e/access.e2e-spec.ts looks at those who have one.
  'POST /api/recordings/{id}/viewings': { may: [], about: 'recording', body: { purpose: 'oversight' } },
  'GET /api/viewings/{id}/files/{name}': { may: [], about: 'viewing' },
  'POST /api/viewings/{id}/preview': { may: [], about: 'viewing', body: { plan: PLAN, atMs: 0 } },
  'POST /api/viewings/{id}/close': { may: [], about: 'viewing' },
  'POST /api/viewings/{id}/reports': {
    may: [],
    about: 'viewing',
    body: { seq: 0, played: [], seeks: 0, pauses: 0, hiddenMs: 0, speedPercent: 100 },
  },
  'POST /api/recordings/{id}/originals': { may: [], about: 'recording', body: { purpose: 'oversight' } },
  'GET /api/viewings/{id}/original': { may: [], about: 'viewing' },
};

const every = Object.entries(ROUTES).map(([route, facts]): [string, Route] => [route, facts]);
const closed = every.filter(([, { may }]) => may !== 'public');
const withBody = every.filter(([, { body }]) => body !== undefined);
const withId = every.filter(([, { about }]) => about !== undefined);

describe('every route', () => {
  let stack: Stack;
  let people: Readonly<Record<Role, HttpClient>>;
  let dock: TestDock;
  let viewer: HttpClient;
  let recipient: HttpClient;
  let ids: Readonly<Record<NonNullable<Route['about']>, string>>;

  beforeAll(async () => {
    const [started, clip] = await Promise.all([startStack(), clipBytes({ seconds: 3 })]);
    stack = started;
    const clients = await Promise.all(ROLES.map((role) => stack.signIn(role)));
    people = Object.fromEntries(ROLES.map((role, i) => [role, clients[i]])) as Record<Role, HttpClient>;
    const { administrator, custodian, auditor } = people;
    dock = await TestDock.enrol(administrator);
    const { recording } = await dock.upload('clip.mp4', clip, { officer: 'X-9' });
    await playable(auditor, recording);
    viewer = (await enrol(administrator, ['investigator'])).http;
    const second = await enrol(administrator, ['custodian']);
    const granted = await grantExport(viewer, [custodian, second.http], recording);
    const { viewing } = await openViewing(viewer, recording);
    // By somebody else: whoever wrote the plan would be refused its review for that.
    const author = await enrol(administrator, ['custodian']);
    const ordered = await author.http.post<RedactionAnswer>(`/api/recordings/${recording}/redactions`, {
      plan: PLAN,
      reason: 'for the public',
    });
    await dock.upload('no-video.mp4', Buffer.from('quarantined, and so alerted'));
    const { alerts } = (await custodian.get<{ alerts: { id: string }[] }>('/api/alerts')).expect(200).body;
    const { jobs } = (await custodian.get<{ jobs: { id: string }[] }>(`/api/jobs?job=seal&recording=${recording}`)).expect(
      200,
    ).body;
    const lock = await people.investigator.post<{ id: string }>(`/api/recordings/${recording}/locks`, {
      person: author.id,
      reason: 'to make a statement',
    });
    const emergency = await viewer.post<{ id: string }>('/api/break-glass', { ...EMERGENCY, recordings: [recording] });
    const { notices } = (await auditor.get<{ notices: { id: string }[] }>('/api/notices')).expect(200).body;
    recipient = stack.anonymous();
    const { id: released } = await disclosed([author.http, second.http], [recording]);
    (await recipient.post('/api/disclosed/open', await issue(custodian, released))).expect(200);
    ids = {
      disclosure: (await propose(author.http, [recording])).id,
      lock: lock.expect(201).body.id,
      emergency: emergency.expect(201).body.id,
      notice: notices[0]?.id ?? '',
      sampling: (await people.supervisor.post<{ id: string }>('/api/samplings', SAMPLING)).expect(201).body.id,
      job: jobs[0]?.id ?? '',
      alert: alerts[0]?.id ?? '',
      recording,
      manifest: String((await entryOn(auditor, recording, 'recording.announced')).event['manifest']),
      viewing,
      dock: (await TestDock.enrol(administrator)).id,
      camera: (await administrator.post<{ id: string }>('/api/cameras', { serial: 'X80' })).expect(201).body.id,
      'access request': await ask(viewer, recording),
      delegation: (
        await custodian.post<{ id: string }>('/api/delegations', {
          ...{ to: author.id, role: 'custodian', until: inSeconds(3600), reason: 'on leave' },
        })
      ).expect(201).body.id,
      grant: granted.id,
      redaction: ordered.expect(202).body.id,
      case: (await people.investigator.post<{ id: string }>('/api/cases', { number: 'IA-2026-017', title: 'The stop' })).expect(
        201,
      ).body.id,
      'search statement': (
        await people.investigator.post<{ id: string }>('/api/search-statements', { search: { camera: 'NOBODY-HAS-IT' } })
      ).expect(201).body.id,
      'redaction proposal': (
        await custodian.post<{ id: string }>(`/api/recordings/${recording}/redaction-proposals`, {
          kind: 'track',
          box: { x: 100, y: 100, width: 60, height: 60 },
          atMs: 0,
          untilMs: 500,
        })
      ).expect(202).body.id,
    };
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  /** Calls the route as `client`, about `id`. Without a body of its own a POST has none. */
  async function call(client: HttpClient, route: string, id: string, body?: unknown): Promise<Answer<unknown>> {
    const [method = '', template = ''] = route.split(' ');
    const path = template
      .replace('{id}', id)
      .replace('{part}', '1')
      .replace('{version}', '1')
      .replace('/log/proof', '/log/proof?index=0')
      .replace('{name}', 'poster.jpg')
      .replace('{level}/{path}', '0/000.p/1')
      .replace('{path}', '000.p/1');
    if (template.endsWith('/manifests'))
      return client.send(method, path, { headers: { 'content-type': 'text/plain' }, raw: 'no manifest' });
    if (template.endsWith('/parts/{part}'))
      return client.send(method, path, { headers: { 'content-type': 'application/octet-stream' }, raw: 'bytes' });
    return client.send(method, path, body === undefined ? {} : { json: body });
  }

  function idFor({ about }: Route): string {
    return about === undefined ? '' : ids[about];
  }

  /** Somebody who comes through the door of that route, so that what lies behind it can be tried. */
  function allowed({ may, dock: isDocks, recipient: isRecipients, about }: Route): HttpClient {
    if (isDocks) return dock.http;
    if (isRecipients) return recipient;
    if (about === 'viewing' || ((about === 'recording' || about === 'access request') && may.length === 0)) return viewer;
    return may === 'public' ? stack.anonymous() : may === 'anybody signed in' ? people.auditor : people[may[0] ?? 'auditor'];
  }

  it('stands in this table, and the table has no others', async () => {
    const { paths } = (await stack.anonymous().get<{ paths: Record<string, object> }>('/api/openapi.json')).expect(200).body;
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it('is described for people, without an account', async () => {
    expect((await stack.anonymous().get('/api/docs')).expect(200).contentType).toBe('text/html');
  });

  it('that does not exist is a problem, like every other error', async () => {
    for (const path of [
      '/api/nothing',
      '/nothing',
      '/api/recordings/%zz',
      `/api/recordings/${'a'.repeat(300)}`,
      '/api/../etc/passwd',
      '/%00',
    ])
      expectProblem(await people.auditor.get(path), [400, 404, 414]);
    expectProblem(await people.auditor.send('PATCH', '/api/recordings'), [404, 405]);
  });

  describe('without a session', () => {
    it.each(closed)('%s answers 401', async (route, facts) => {
      const problem = expectProblem(await call(stack.anonymous(), route, idFor(facts), facts.body), [401]);
      expect(problem.type).toBe('urn:custodiet:not-signed-in');
      // Nor does it tell a stranger what exists.
      if (facts.about !== undefined) expectProblem(await call(stack.anonymous(), route, randomUUID(), facts.body), [401]);
    });

    it.each(every.filter(([, { may }]) => may === 'public'))('%s answers', async (route) => {
      if (route.startsWith('GET')) (await call(stack.anonymous(), route, '')).expect(200);
    });
  });

  describe('with a role', () => {
    it.each(closed)('%s is for those who may and answers 403 to all others', async (route, facts) => {
      const outcome: Record<string, boolean> = {};
      for (const role of ROLES) {
        const client = facts.may === 'anybody signed in' ? await stack.signIn(role) : people[role];
        const answer = await call(client, route, idFor(facts), facts.body === undefined ? undefined : { unknown: true });
        // A body with an unknown member is refused behind the door, and nothing happens.
        outcome[role] = answer.status !== 403;
        if (answer.status === 403) expectProblem(answer, [403]);
        expect(answer.status).not.toBe(401);
        expect(answer.status).toBeLessThan(500);
      }
      const may = (role: Role): boolean =>
        facts.may === 'public' || facts.may === 'anybody signed in' || facts.may.includes(role);
      expect(outcome).toEqual(Object.fromEntries(ROLES.map((role) => [role, may(role)])));
    });

    it.each(closed.filter(([, { dock: isDocks }]) => !isDocks))('%s answers 403 to a docking station', async (route, facts) => {
      expectProblem(await call(dock.http, route, idFor(facts), facts.body), [403]);
    });

    it.each(closed.filter(([, { recipient: isRecipients }]) => !isRecipients))(
      '%s answers 403 to a recipient of a disclosure',
      async (route, facts) => {
        expectProblem(await call(recipient, route, idFor(facts), facts.body), [403]);
      },
    );

    it.each(closed.filter(([, { recipient: isRecipients }]) => isRecipients))('%s is for recipients', async (route, facts) => {
      const { status } = await call(recipient, route, '', facts.body);
      expect([401, 403]).not.toContain(status);
      expect(status).toBeLessThan(500);
    });

    it.each(closed.filter(([, { dock: isDocks }]) => isDocks))('%s is for docking stations', async (route, facts) => {
      const { status } = await call(dock.http, route, idFor(facts));
      expect([401, 403]).not.toContain(status);
      expect(status).toBeLessThan(500);
    });
  });

  describe('with an id', () => {
    it.each(withId)('%s answers 400 when it is no UUID', async (route, facts) => {
      for (const id of ['1', 'not-a-uuid', `${randomUUID()}x`, '%00', "'%20OR%201=1", '..%2f..'])
        expectProblem(await call(allowed(facts), route, id, facts.body), [400]);
    });

    it.each(withId)('%s answers 404 when there is no such thing', async (route, facts) => {
      expectProblem(await call(allowed(facts), route, randomUUID(), facts.body), [404]);
    });
  });

  describe('with a body', () => {
    // The table is long: on a busy machine the first viewing may have been idle for too long by now.
    beforeAll(async () => {
      ids = { ...ids, viewing: (await openViewing(viewer, ids.recording)).viewing };
    });

    it.each(withBody)('%s answers 400 when it is no JSON, or another shape', async (route, facts) => {
      const [method = '', template = ''] = route.split(' ');
      const path = template.replace('{id}', idFor(facts));
      const send = (raw: string, contentType = 'application/json'): Promise<Answer<unknown>> =>
        allowed(facts).send(method, path, { headers: { 'content-type': contentType }, raw });
      for (const raw of [
        '{',
        '{"a":',
        'null',
        '[]',
        '"text"',
        '7',
        '{"unknown":1}',
        '{"__proto__":{"x":1}}',
        '{"constructor":{"prototype":{"x":1}}}',
      ])
        expectProblem(await send(raw), [400]);
      expectProblem(await send('<x/>', 'application/xml'), [400, 415]);
      expectProblem(await send(JSON.stringify(facts.body), 'text/plain'), [400, 415]);
    });

    it.each(withBody)('%s answers 400 when a member has a wrong type or text that cannot be stored', async (route, facts) => {
      for (const name of Object.keys(facts.body ?? {})) {
        for (const value of [{}, [[]], true, -1.5, '', '\u0000zero', 'x\u0000y z', '\ud800 alone', 'x'.repeat(100_000)]) {
          if (typeof facts.body?.[name] === 'boolean' && value === true) continue;
          const answer = await call(allowed(facts), route, idFor(facts), { ...facts.body, [name]: value });
          // A password may be any text; a wrong one does not sign in.
          expectProblem(answer, route === 'POST /api/session' ? [400, 401] : [400]);
        }
      }
    });

    it('POST /api/recordings/{id}/redactions answers 400 to a plan that is nested too deeply, or holds minus zero', async () => {
      const path = `/api/recordings/${ids.recording}/redactions`;
      const send = (plan: string): Promise<Answer<unknown>> =>
        people.custodian.send('POST', path, {
          headers: { 'content-type': 'application/json' },
          raw: `{"reason":"for the public","plan":${plan}}`,
        });
      expectProblem(await send(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), [400]);
      expectProblem(await send('{"v":1,"regions":[],"mutes":[{"fromMs":-0,"toMs":500,"reason":"name"}]}'), [400]);
    });

    it.each(withBody)('%s answers 413 when it is larger than a megabyte', async (route, facts) => {
      const answer = await call(allowed(facts), route, idFor(facts), { ...facts.body, padding: 'x'.repeat(2 ** 20) });
      expectProblem(answer, [413]);
    });
  });

  it('GET /api/recordings answers 400 to a faulty query', async () => {
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=many',
      'state=lost',
      'after=7',
      'camera=',
      'camera=%00',
      'other=1',
      'limit=1&limit=2',
    ])
      expectProblem(await people.auditor.get(`/api/recordings?${query}`), [400]);
  });

  describe('a session', () => {
    it('is kept in a cookie that scripts and other sites do not get', async () => {
      const { username, password } = accountOf(stack.seedAccounts, 'auditor');
      const answer = (await stack.anonymous().post('/api/session', { username, password })).expect(200);
      const [cookie = ''] = answer.headers.getSetCookie();
      expect(cookie).toMatch(/^custodiet_session=[\w-]{43};/);
      for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/']) expect(cookie.split('; ')).toContain(attribute);
      expect(answer.text).not.toContain(/=([\w-]{43});/.exec(cookie)?.[1]);
    });

    it('answers alike to a wrong password and an account that does not exist', async () => {
      const wrong = { password: 'certainly wrong' };
      const known = await stack.anonymous().post('/api/session', { username: 'auditor', ...wrong });
      const unknown = await stack.anonymous().post('/api/session', { username: 'no.such.person', ...wrong });
      expect(expectProblem(known, [401])).toEqual(expectProblem(unknown, [401]));
    });

    it('is over once signed out, also for whoever kept the cookie', async () => {
      const { username, password } = accountOf(stack.seedAccounts, 'auditor');
      const client = stack.anonymous();
      const [cookie = ''] = (await client.post('/api/session', { username, password })).expect(200).headers.getSetCookie();
      (await client.get('/api/session')).expect(200);
      (await client.delete('/api/session')).expect(204);
      expectProblem(await stack.anonymous().get('/api/session', { cookie: cookie.split(';')[0] ?? '' }), [401]);
    });

    it.each(['', 'x', 'a'.repeat(43), '%00', '%zz', `${'a'.repeat(4000)}`])('is none with the cookie "%s"', async (value) => {
      expectProblem(await stack.anonymous().get('/api/session', { cookie: `custodiet_session=${value}` }), [401]);
    });

    it("is not acted on for another site's page", async () => {
      const headers = (extra: Record<string, string>): Record<string, string> => ({
        'content-type': 'application/json',
        ...extra,
      });
      const post = (extra: Record<string, string>): Promise<Answer<unknown>> =>
        people.investigator.send('POST', '/api/access-requests', {
          headers: headers(extra),
          raw: JSON.stringify(asking([ids.recording])),
        });
      expectProblem(await post({ 'sec-fetch-site': 'cross-site' }), [403]);
      expectProblem(await post({ 'sec-fetch-site': 'same-site' }), [403]);
      expectProblem(await post({ origin: 'https://elsewhere.example' }), [403]);
      expectProblem(await post({ origin: 'null' }), [403]);
      (await post({ 'sec-fetch-site': 'same-origin' })).expect(201);
      (await post({ origin: stack.url })).expect(201);
    });

    it('cannot be guessed at: signing in is slowed down', async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const env = { ...stack.env, PORT: String(port), SIGN_IN_ATTEMPTS_PER_MINUTE: '3' };
      const strict = new ProductProcess('api', url, env, join(stack.env['WORK_DIR'] ?? '', 'strict-api.log'));
      strict.start();
      try {
        await strict.ready();
        const attempt = (): Promise<Answer<unknown>> =>
          new HttpClient(url).post('/api/session', { username: 'auditor', password: 'a guess' });
        const statuses: number[] = [];
        for (let i = 0; i < 3; i++) statuses.push((await attempt()).status);
        expect(statuses).toEqual([401, 401, 401]);
        const slowed = await attempt();
        expectProblem(slowed, [429]);
        expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0);
        // The right password is no way around it, and other routes go on.
        await expect(signIn(url, accountOf(stack.seedAccounts, 'auditor'))).rejects.toThrow(/429/);
        (await new HttpClient(url).get('/health/live')).expect(200);
      } finally {
        await strict.stop();
      }
    });
  });

  describe("a machine's token", () => {
    async function machine(...roles: string[]): Promise<HttpClient> {
      const request = { name: 'machine', roles, days: 1 };
      const { secret } = (await people.administrator.post<{ secret: string }>('/api/service-tokens', request)).expect(201).body;
      return new HttpClient(stack.url, () => `Bearer ${secret}`);
    }

    it('reads what its role reads', async () => {
      const auditing = await machine('auditor');
      for (const path of [
        '/api/recordings',
        `/api/recordings/${ids.recording}`,
        `/api/recordings/${ids.recording}/custody`,
        '/api/access-requests',
        '/api/grants',
      ])
        (await auditing.get(path)).expect(200);
    });

    it('watches nothing, decides nothing and gives nothing out', async () => {
      const mighty = await machine(...ROLES);
      for (const [route, facts] of closed) {
        const deeds =
          /viewings|(POST|PUT) .*access-requests\/|grants\/|POST .*(locks|break-glass|samplings|delegations)|POST \/api\/(people|docks|cameras|service-tokens|access-requests)|(POST|PUT) .*redactions|session|docking|hand-ins/;
        if (!deeds.test(route)) continue;
        expect(`${route} ${(await call(mighty, route, idFor(facts), facts.body)).status}`).toBe(`${route} 403`);
      }
    });

    it.each(['cst_unknown', 'x', '', 'a.b', 'cst_%00'])('is refused when it is "%s"', async (token) => {
      expectProblem(await new HttpClient(stack.url, () => `Bearer ${token}`).get('/api/recordings'), [401]);
    });
  });
});

/** RFC 9457, and nothing of the inside. */
function expectProblem(answer: Answer<unknown>, statuses: readonly number[]): ProblemDocument {
  const said = `${answer.request.slice(0, 120)} → ${answer.status}`;
  if (!statuses.includes(answer.status))
    throw new Error(`${said}, expected ${statuses.join(' or ')}: ${answer.text.slice(0, 300)}`);
  if (answer.contentType !== 'application/problem+json')
    throw new Error(`${said} ${answer.contentType}: ${answer.text.slice(0, 300)}`);
  const problem = answer.problem();
  expect(problem).toMatchObject({
    type: expect.stringMatching(/^urn:custodiet:[a-z-]+$/),
    title: expect.stringMatching(/\S/),
    status: answer.status,
    detail: expect.stringMatching(/\S/),
  });
  expect(answer.text).not.toMatch(
    /\bat .+:\d+:\d+|node_modules|SELECT |INSERT |UPDATE |QueryFailed|\/work\/|\.[jt]s\b|ECONN|stack"/,
  );
  return problem;
}
