import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductProcess } from '../support/product-process.js';
import type { AccessRequestAnswer, DetailedRequestAnswer, GrantAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { asSuperuser } from './superuser.js';
import { ask, asking, grant, inSeconds } from './watching.js';

const OFFICER_BADGE = 'B-100';
const TWO_OF_THREE = { need: 2, seats: ['custodian', 'custodian', 'supervisor'] };
const MOST = 10_000;

describe('requests for access', () => {
  let folder: string;
  let policyFile: string;
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodian: Enrolled;
  let otherCustodian: Enrolled;
  let supervisor: Enrolled;
  let investigator: Enrolled;
  let recordings: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-policy-'));
    policyFile = join(folder, 'policy.json');
    const clip = await clipBytes({ seconds: 1, width: 320, height: 180 });
    await writeFile(policyFile, JSON.stringify(policy([{ name: 'one custodian', seats: ['custodian'], need: 1 }])));
    stack = await startStack({ ACCESS_POLICY_FILE: policyFile });
    [administrator, auditor] = await Promise.all([stack.signIn('administrator'), stack.signIn('auditor')]);
    custodian = await enrol(administrator, ['custodian']);
    otherCustodian = await enrol(administrator, ['custodian']);
    supervisor = await enrol(administrator, ['supervisor']);
    investigator = await enrol(administrator, ['investigator']);
    const dock = await TestDock.enrol(administrator);
    const uploads = ['a', 'b', 'c'].map((name) => dock.upload(`${name}.mp4`, variantOf(clip), { officer: OFFICER_BADGE }));
    recordings = (await Promise.all(uploads)).map(({ recording }) => recording);
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** `export` takes two of three; everything else what `rules` say. */
  function policy(rules: readonly object[]): object {
    return {
      v: 1,
      purposes: [
        { name: 'internal-investigation', respondWithinHours: 72 },
        { name: 'oversight', respondWithinHours: 72 },
        { name: 'insurance-claim', respondWithinHours: 48 },
      ],
      rules: [{ name: 'two of three', asked: ['export', 'disclose'], ...TWO_OF_THREE }, ...rules],
      breakGlass: null,
      standing: [],
    };
  }

  const first = (): string => recordings[0] ?? '';
  const exporting = { asked: ['view', 'export'] };
  const decide = (
    by: HttpClient,
    request: string,
    verdict: 'grant' | 'deny',
    body: object = {},
  ): Promise<Answer<AccessRequestAnswer & { grants: GrantAnswer[] }>> =>
    by.post(`/api/access-requests/${request}/${verdict}`, verdict === 'deny' ? { reason: 'not needed', ...body } : body);
  const read = async (request: string, by: HttpClient = auditor): Promise<DetailedRequestAnswer> =>
    (await by.get<DetailedRequestAnswer>(`/api/access-requests/${request}`)).expect(200).body;
  const delegate = (from: HttpClient, to: string, changes: object = {}): Promise<Answer<{ id: string }>> =>
    from.post('/api/delegations', { to, role: 'custodian', until: inSeconds(3600), reason: 'on leave', ...changes });

  async function askFor(by: HttpClient, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return (await by.post<AccessRequestAnswer>('/api/access-requests', asking(recordings, changes))).expect(201).body.id;
  }

  function expectRefused(answer: Answer<unknown>, reason: string): void {
    expect(answer.expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason });
  }

  function expectProblem(answer: Answer<unknown>, status: number, type: string): void {
    expect(answer.expect(status).problem().type).toBe(`urn:custodiet:${type}`);
  }

  describe('that need two people', () => {
    it('are granted by two different ones in seats of their roles, and to nobody before', async () => {
      const request = await ask(investigator.http, first(), exporting);
      const once = (await decide(custodian.http, request, 'grant')).expect(200).body;
      expect(once).toMatchObject({ state: 'in-review', grants: [] });
      expectRefused(await decide(custodian.http, request, 'grant'), 'decided-before');
      expectRefused(await decide(custodian.http, request, 'deny'), 'decided-before');
      const twice = (await decide(supervisor.http, request, 'grant', { until: inSeconds(600) })).expect(200).body;
      expect(twice).toMatchObject({ state: 'granted', items: { open: 0, granted: 1, denied: 0 } });
      expect(twice.grants).toMatchObject([{ recording: first(), person: investigator.id, actions: ['view', 'export'] }]);
      const { items } = await read(request);
      expect(items).toMatchObject([
        {
          rule: { name: 'two of three', ...TWO_OF_THREE },
          decisions: [
            { by: custodian.id, seat: 'custodian' },
            { by: supervisor.id, seat: 'supervisor' },
          ],
        },
      ]);
      const of = (await chainOf(auditor, first())).filter(({ event }) => event['request'] === request);
      expect(of.map(({ type }) => type)).toEqual(['access.requested', 'access.approved', 'access.approved', 'access.granted']);
      expect(of[0]?.event).toMatchObject({
        rule: 'two of three: 2 of custodian, custodian, supervisor',
        asked: ['view', 'export'],
      });
    });

    it('are for no more than what each of them allows: from when, until when, and how many viewings', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      const request = await ask(viewer.http, first(), exporting);
      const [from, until] = [inSeconds(200), inSeconds(300)];
      await decide(custodian.http, request, 'grant', { until, viewings: 5 });
      const second = { from, until: inSeconds(900), viewings: 2 };
      const [granted] = (await decide(supervisor.http, request, 'grant', second)).expect(200).body.grants;
      expect(granted).toMatchObject({ startsAt: from, expiresAt: until, viewingsLeft: 2 });
      expectRefused(
        await viewer.http.post(`/api/recordings/${first()}/originals`, { purpose: 'internal-investigation' }),
        'grant-not-begun',
      );
      const { event } = await entryOn(auditor, first(), 'access.granted', ({ grant: of }) => of === granted?.id);
      expect(event).toMatchObject({ from, until, viewings: 2 });
    });

    it('cannot begin after they end', async () => {
      const request = await ask(investigator.http, first(), exporting);
      for (const window of [{ from: inSeconds(600), until: inSeconds(300) }, { from: inSeconds(999_999) }])
        expectProblem(await decide(custodian.http, request, 'grant', window), 422, 'from-faulty');
      for (const viewings of [0, -1, 1.5, '3', 1001])
        expectProblem(await decide(custodian.http, request, 'grant', { viewings }), 400, 'invalid-request');
      await decide(custodian.http, request, 'grant', { until: inSeconds(300) });
      expectProblem(await decide(supervisor.http, request, 'grant', { from: inSeconds(400) }), 422, 'from-faulty');
    });

    it('are denied when those who are left are too few, and tell who spoke against it', async () => {
      const request = await ask(investigator.http, first(), exporting);
      expect((await decide(custodian.http, request, 'deny')).expect(200).body.state).toBe('in-review');
      expect((await decide(otherCustodian.http, request, 'deny', { reason: 'no ground for it' })).expect(200).body).toMatchObject(
        {
          state: 'denied',
          reason: 'no ground for it',
        },
      );
      expectProblem(await decide(supervisor.http, request, 'grant'), 409, 'request-decided');
      const denials = (await chainOf(auditor, first())).filter(
        ({ type, event }) => type === 'access.denied' && event['request'] === request,
      );
      expect(denials.map(({ event }) => event['final'])).toEqual([false, true]);
    });

    it('are not decided by somebody for whom no seat is left', async () => {
      const request = await ask(investigator.http, first(), exporting);
      await decide(supervisor.http, request, 'deny');
      const another = await enrol(administrator, ['supervisor']);
      expectRefused(await decide(another.http, request, 'grant'), 'seat-taken');
      await entryOn(auditor, first(), 'access.refused', (event) => event['reason'] === 'seat-taken');
      expectRefused(await decide(investigator.http, request, 'grant'), 'own-request');
    });

    it('are not decided twice by somebody with two accounts', async () => {
      const request = await ask(investigator.http, first(), exporting);
      await decide(custodian.http, request, 'grant');
      const second = await secondAccountOf(custodian.id, ['supervisor', 'custodian']);
      expectRefused(await decide(second, request, 'grant'), 'decided-before');
      expect((await read(request)).state).toBe('in-review');
    });

    it('are not decided through a second account of whoever asked', async () => {
      const request = await ask(investigator.http, first());
      expectRefused(await decide(await secondAccountOf(investigator.id, ['custodian']), request, 'grant'), 'own-request');
    });
  });

  async function secondAccountOf(sameAs: string, roles: readonly string[]): Promise<HttpClient> {
    const { username, password } = { username: `second-${randomUUID()}`, password: 'a long password' };
    const account = { username, password, name: 'Second account', roles, sameAs };
    (await administrator.post('/api/people', account)).expect(201);
    const client = stack.anonymous();
    (await client.post('/api/session', { username, password })).expect(200);
    return client;
  }

  describe('about several recordings', () => {
    it('are decided one by one', async () => {
      const request = await askFor(investigator.http);
      const [a = '', b = '', c = ''] = recordings;
      const some = (await decide(custodian.http, request, 'grant', { recordings: [a] })).expect(200).body;
      expect(some).toMatchObject({ state: 'in-review', items: { open: 2, granted: 1, denied: 0 } });
      expect(some.grants.map(({ recording }) => recording)).toEqual([a]);
      expectProblem(await decide(otherCustodian.http, request, 'deny', { recordings: [a, b] }), 409, 'item-decided');
      expectProblem(await decide(otherCustodian.http, request, 'grant', { recordings: [randomUUID()] }), 422, 'not-in-request');
      (await decide(otherCustodian.http, request, 'deny', { recordings: [b] })).expect(200);
      const rest = (await decide(custodian.http, request, 'grant')).expect(200).body;
      expect(rest).toMatchObject({ state: 'partly-granted', items: { open: 0, granted: 2, denied: 1 } });
      expect(rest.grants.map(({ recording }) => recording)).toEqual([c]);
    });

    it('are decided in no part by somebody whom one of them shows', async () => {
      const shown = await enrol(administrator, ['custodian'], `B-${randomUUID()}`);
      const dock = await TestDock.enrol(administrator);
      const clip = variantOf(await clipBytes({ seconds: 1, width: 320, height: 180 }));
      const { recording } = await dock.upload('shown.mp4', clip, { officer: shown.badge ?? '' });
      const request = (
        await investigator.http.post<AccessRequestAnswer>('/api/access-requests', asking([first(), recording]))
      ).expect(201).body.id;
      expectRefused(await decide(shown.http, request, 'grant', { recordings: [first()] }), 'subject-of-request');
      expectRefused(await decide(shown.http, request, 'deny', { recordings: [recording] }), 'subject-of-request');
      // Nor in their place.
      const standIn = await enrol(administrator, ['auditor']);
      (await delegate(shown.http, standIn.id)).expect(201);
      expectRefused(await decide(standIn.http, request, 'grant'), 'subject-of-request');
    });

    it('become revoked with the last of their grants, and stay so', async () => {
      const request = await askFor(investigator.http);
      const { grants } = (await decide(custodian.http, request, 'grant')).expect(200).body;
      for (const { id } of grants) {
        expect((await read(request)).state).toBe('granted');
        (await custodian.http.post(`/api/grants/${id}/revoke`, { reason: 'the case was closed' })).expect(204);
      }
      expect((await read(request)).state).toBe('revoked');
      expectProblem(await investigator.http.post(`/api/access-requests/${request}/close`), 409, 'request-state-forbids');
      expectProblem(await decide(otherCustodian.http, request, 'grant'), 409, 'request-decided');
    });
  });

  describe('of whoever made them', () => {
    it('are a draft, on no record and seen by nobody else, until they are submitted', async () => {
      const body = { ...asking([first()]), draft: true };
      const { id, state } = (await investigator.http.post<AccessRequestAnswer>('/api/access-requests', body)).expect(201).body;
      expect(state).toBe('draft');
      (await auditor.get(`/api/access-requests/${id}`)).expect(404);
      (await custodian.http.get<{ requests: { id: string }[] }>('/api/access-requests')).expect(200);
      expectRefused(await decide(custodian.http, id, 'grant'), 'role');
      expectRefused(await supervisor.http.put(`/api/access-requests/${id}`, asking([first()])), 'not-yours');
      const changed = asking(recordings.slice(0, 2), { caseNumber: 'IA-2026-018' });
      (await investigator.http.put(`/api/access-requests/${id}`, changed)).expect(200);
      expect((await chainOf(auditor, first())).some(({ event }) => event['request'] === id)).toBe(false);
      const submitted = (await investigator.http.post<AccessRequestAnswer>(`/api/access-requests/${id}/submit`)).expect(200).body;
      expect(submitted).toMatchObject({ state: 'submitted', items: { open: 2 } });
      await entryOn(auditor, first(), 'access.requested', (e) => e['request'] === id && e['caseNumber'] === 'IA-2026-018');
      for (const again of [
        await investigator.http.post(`/api/access-requests/${id}/submit`),
        await investigator.http.put(`/api/access-requests/${id}`, changed),
      ])
        expectProblem(again, 409, 'request-state-forbids');
    });

    it('are withdrawn while undecided, with what was granted of them so far', async () => {
      const request = await askFor(investigator.http);
      const { grants } = (await decide(custodian.http, request, 'grant', { recordings: [first()] })).expect(200).body;
      const path = `/api/access-requests/${request}/withdraw`;
      expectRefused(await supervisor.http.post(path, {}), 'not-yours');
      expect((await investigator.http.post<AccessRequestAnswer>(path, { reason: 'solved' })).expect(200).body.state).toBe(
        'withdrawn',
      );
      await entryOn(auditor, first(), 'access.revoked', (event) => event['grant'] === grants[0]?.id);
      await entryOn(auditor, recordings[1] ?? '', 'access.withdrawn', (event) => event['request'] === request);
      expectProblem(await investigator.http.post(path, {}), 409, 'request-state-forbids');
      expectProblem(await decide(custodian.http, request, 'grant'), 409, 'request-decided');
    });

    it('are closed when what was granted is needed no more, and the grants end', async () => {
      const request = await ask(investigator.http, first());
      const granted = await grant(custodian.http, request);
      expectProblem(await investigator.http.post(`/api/access-requests/${request}/withdraw`, {}), 409, 'request-decided');
      (await investigator.http.post(`/api/access-requests/${request}/close`)).expect(200);
      expect((await read(request)).state).toBe('closed');
      await entryOn(auditor, first(), 'access.closed', (e) => e['request'] === request && e['as'] === 'closed');
      const { grants } = (await investigator.http.get<{ grants: { id: string; revokedAt: string | null }[] }>('/api/grants'))
        .body;
      expect(grants.find(({ id }) => id === granted.id)?.revokedAt).not.toBeNull();
    });

    it('expire when their time is over, decided or not', async () => {
      const until = inSeconds(3);
      const undecided = await ask(investigator.http, first(), { until });
      const decided = await ask(investigator.http, first(), { until });
      await grant(custodian.http, decided);
      for (const request of [undecided, decided]) {
        await eventually(`${request} is over`, async () => (await read(request)).state === 'expired', { withinMs: 30_000 });
        await entryOn(auditor, first(), 'access.closed', (e) => e['request'] === request && e['as'] === 'expired');
      }
      expectProblem(await decide(custodian.http, undecided, 'grant'), 409, 'request-decided');
    }, 60_000);

    it.each([
      ['nothing', { asked: [] }],
      ['what there is not', { asked: ['view', 'erase'] }],
      ['the same twice', { asked: ['view', 'view'] }],
      ['recordings and a case at once', { case: randomUUID() }],
      ['neither recordings nor a case nor a search', { recordings: undefined }],
      ['a purpose that is not in the list of the agency', { purpose: 'training' }],
    ])('are refused when they ask for %s', async (_, changes) => {
      expectProblem(await investigator.http.post('/api/access-requests', asking([first()], changes)), 400, 'invalid-request');
    });

    it('may be for a purpose that only this agency has', async () => {
      const { dueAt } = await read(await ask(investigator.http, first(), { purpose: 'insurance-claim' }));
      expect((Date.parse(dueAt ?? '') - Date.now()) / 3_600_000).toBeCloseTo(48, 0);
    });
  });

  describe('at the same moment', () => {
    it('granted, denied, withdrawn and revoked, end in exactly one way', async () => {
      const outcomes = new Set<string>();
      for (let round = 0; round < 6; round++) {
        const request = await ask(investigator.http, first());
        const [granted, denied, withdrawn] = await Promise.all([
          decide(custodian.http, request, 'grant'),
          decide(otherCustodian.http, request, 'deny'),
          investigator.http.post(`/api/access-requests/${request}/withdraw`, {}),
          ...(round % 2 === 0 ? [decide(custodian.http, request, 'grant')] : []),
        ]);
        const { state } = await read(request);
        outcomes.add(state);
        const grants = (await grantsOf(request)).filter(({ revokedAt }) => revokedAt === null);
        expect(grants).toHaveLength(state === 'granted' ? 1 : 0);
        expect(denied.status === 200).toBe(state === 'denied');
        expect(withdrawn.status === 200).toBe(state === 'withdrawn');
        if (state === 'granted' && round % 2 === 1) expect(granted.status).toBe(200);
        const [mine] = grants;
        if (mine === undefined) continue;
        const ending = await Promise.all([
          custodian.http.post(`/api/grants/${mine.id}/revoke`, { reason: 'not needed' }),
          investigator.http.post(`/api/access-requests/${request}/close`),
        ]);
        const ended = (await read(request)).state;
        expect(ending[0].status).toBe(204);
        expect(ended).toBe(ending[1].status === 200 ? 'closed' : 'revoked');
        const revocations = async (): Promise<number> =>
          (await chainOf(auditor, first())).filter(({ type, event }) => type === 'access.revoked' && event['grant'] === mine.id)
            .length;
        expect(await revocations()).toBe(1);
      }
      expect(outcomes.size).toBeGreaterThan(0);
    }, 60_000);

    it('approved by the same person in several places count once', async () => {
      const request = await ask(investigator.http, first(), exporting);
      const answers = await Promise.all(Array.from({ length: 4 }, () => decide(custodian.http, request, 'grant')));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 403, 403, 403]);
      expect(await read(request)).toMatchObject({ state: 'in-review', items: [{ decisions: [{ by: custodian.id }] }] });
    });
  });

  async function grantsOf(request: string): Promise<{ id: string; request: string; revokedAt: string | null }[]> {
    type Listed = { grants: { id: string; request: string; revokedAt: string | null }[] };
    return (await auditor.get<Listed>('/api/grants')).expect(200).body.grants.filter((each) => each.request === request);
  }

  describe('under a delegation', () => {
    it('are decided in the place of somebody, who is then out of it, until the delegation ends', async () => {
      const absent = await enrol(administrator, ['custodian']);
      const standIn = await enrol(administrator, ['auditor']);
      const delegation = (await delegate(absent.http, standIn.id)).expect(201).body;
      await eventually('the delegation is on record', async () => {
        const listed = await standIn.http.get<{ delegations: { id: string }[] }>('/api/delegations?live=true');
        return listed.expect(200).body.delegations.some(({ id }) => id === delegation.id);
      });
      const request = await ask(investigator.http, first(), exporting);
      expect((await decide(standIn.http, request, 'grant')).expect(200).body.state).toBe('in-review');
      expectRefused(await decide(absent.http, request, 'grant'), 'decided-before');
      expect((await read(request)).items[0]?.decisions).toMatchObject([
        { by: standIn.id, inPlaceOf: absent.id, seat: 'custodian' },
      ]);
      await entryOn(auditor, first(), 'access.approved', (event) => event['onBehalfOf'] === absent.id);
      (await absent.http.post(`/api/delegations/${delegation.id}/end`, { reason: 'back again' })).expect(200);
      expectRefused(await decide(standIn.http, await ask(investigator.http, first()), 'grant'), 'role');
    });

    it('are not decided in the place of whoever asked', async () => {
      const both = await enrol(administrator, ['investigator', 'custodian']);
      const standIn = await enrol(administrator, ['supervisor']);
      (await delegate(both.http, standIn.id)).expect(201);
      const request = await ask(both.http, first());
      expectRefused(await decide(standIn.http, request, 'grant'), 'own-request');
      await entryOn(auditor, first(), 'access.refused', (event) => event['reason'] === 'own-request');
    });

    it('can be handed on neither twice, nor for long, nor to just anybody', async () => {
      const from = await enrol(administrator, ['custodian']);
      const to = await enrol(administrator, ['auditor']);
      (await delegate(from.http, to.id)).expect(201);
      const third = await enrol(administrator, ['supervisor']);
      expectProblem(await delegate(to.http, third.id), 422, 'delegation-faulty');
      expectProblem(await delegate(from.http, third.id, { until: inSeconds(91 * 86_400) }), 422, 'delegation-faulty');
      expectProblem(await delegate(from.http, third.id, { until: inSeconds(-1) }), 422, 'delegation-faulty');
      expectProblem(await delegate(from.http, from.id), 422, 'delegation-faulty');
      expectProblem(await delegate(from.http, randomUUID()), 422, 'person-unknown');
      expectProblem(await delegate(from.http, third.id, { role: 'administrator' }), 400, 'invalid-request');
      for (const roles of [['officer'], ['administrator'], ['administrator', 'auditor']])
        expectProblem(await delegate(from.http, (await enrol(administrator, roles)).id), 422, 'delegation-faulty');
    });
  });

  it('are refused by way of a case or a search to whoever may see neither, and that is on record', async () => {
    const officer = await enrol(administrator, ['officer']);
    const { recordings: _, ...body } = asking([first()]);
    for (const target of [{ search: { camera: 'TEST-CAMERA-1' } }, { case: randomUUID() }])
      expect((await officer.http.post('/api/access-requests', { ...body, ...target })).expect(403).problem()['reason']).toBe(
        'role',
      );
    await eventually('both are on record', () =>
      asSuperuser(stack.database, async (client) => {
        const { rowCount } = await client.query("SELECT 1 FROM custody_entries WHERE subject = $1 AND type = 'access.refused'", [
          officer.id,
        ]);
        return rowCount === 2;
      }),
    );
  });

  describe('in lists', () => {
    const idsOf = async (client: HttpClient, query: string): Promise<string[]> =>
      (await client.get<{ requests: { id: string }[] }>(`/api/access-requests?${query}`))
        .expect(200)
        .body.requests.map(({ id }) => id);

    it('are shown to whoever may decide on them, until they have', async () => {
      const request = await ask(investigator.http, first(), exporting);
      for (const { http } of [custodian, supervisor]) expect(await idsOf(http, 'awaiting=me')).toContain(request);
      expect(await idsOf(investigator.http, 'awaiting=me')).toEqual([]);
      await decide(supervisor.http, request, 'grant');
      expect(await idsOf(supervisor.http, 'awaiting=me')).not.toContain(request);
      expect(await idsOf(supervisor.http, '')).toEqual([]);
      expect(await idsOf(custodian.http, 'mine=true')).toEqual([]);
      expect(await idsOf(custodian.http, 'state=in-review')).toContain(request);
      expect(await idsOf(custodian.http, 'state=granted')).not.toContain(request);
    });

    it('come in pages, each request once', async () => {
      const asker = await enrol(administrator, ['investigator']);
      const asked: string[] = [];
      for (let i = 0; i < 5; i++) asked.push(await ask(asker.http, first()));
      const seen: string[] = [];
      let after: string | null = null;
      do {
        type Page = { requests: { id: string }[]; next: string | null };
        const query: string = after === null ? '' : `&after=${after}`;
        const page: Page = (await asker.http.get<Page>(`/api/access-requests?limit=2${query}`)).expect(200).body;
        seen.push(...page.requests.map(({ id }) => id));
        after = page.next;
      } while (after !== null);
      expect(seen).toEqual(asked.toReversed());
    });

    it('are overdue when nobody decided in time, and those who may decide are told: once before, once after', async () => {
      const request = await ask(investigator.http, first(), exporting);
      const told = async ({ http }: Enrolled): Promise<string[]> => {
        type Listed = { notices: { about: string; kind: string }[] };
        const { notices } = (await http.get<Listed>('/api/notices')).expect(200).body;
        return notices.filter(({ about }) => about === request).map(({ kind }) => kind);
      };
      const turnBack = (hours: number): Promise<unknown> =>
        asSuperuser(stack.database, (client) =>
          client.query(
            `UPDATE access_requests SET submitted_at = submitted_at - make_interval(hours => $2),
               due_at = due_at - make_interval(hours => $2), reminded_at = reminded_at - make_interval(hours => $2) WHERE id = $1`,
            [request, hours],
          ),
        );
      expect(await idsOf(custodian.http, 'overdue=true')).not.toContain(request);
      await turnBack(37);
      await eventually('they are told', async () => (await told(custodian)).length === 1, { withinMs: 30_000 });
      expect(await told(supervisor)).toEqual(['request-awaits-you']);
      await decide(custodian.http, request, 'grant');
      await turnBack(37);
      await eventually('they are told again', async () => (await told(supervisor)).length === 2, { withinMs: 30_000 });
      expect(await told(supervisor)).toEqual(['request-overdue', 'request-awaits-you']);
      expect(await told(otherCustodian)).toHaveLength(2);
      // Who has decided need not be told, nor who may not decide.
      expect(await told(custodian)).toEqual(['request-awaits-you']);
      expect(await told(investigator)).toEqual([]);
      expect(await idsOf(custodian.http, 'overdue=true')).toContain(request);
    }, 90_000);
  });

  // Changes what holds for all that follows.
  describe('when the policy changes', () => {
    it('keep the rule they were made under, while new ones go by the new; and the change is on record once', async () => {
      const before = await ask(investigator.http, first());
      const old = (await investigator.http.get<{ sha256: string }>('/api/access-policy')).expect(200).body;
      await writeFile(policyFile, JSON.stringify(policy([{ name: 'two for everything', ...TWO_OF_THREE }])));
      await stack.restart('api');
      await stack.restart('worker');
      const now = (await investigator.http.get<{ sha256: string }>('/api/access-policy')).expect(200).body;
      expect(now.sha256).not.toBe(old.sha256);

      const after = await ask(investigator.http, first());
      expect((await decide(custodian.http, after, 'grant')).expect(200).body).toMatchObject({ state: 'in-review', grants: [] });
      expect((await decide(custodian.http, before, 'grant')).expect(200).body).toMatchObject({ state: 'granted' });
      expect((await decide(otherCustodian.http, after, 'grant')).expect(200).body).toMatchObject({ state: 'granted' });
      expect((await read(before)).items[0]?.rule).toMatchObject({ name: 'one custodian', need: 1 });
      expect((await read(after)).items[0]?.rule).toMatchObject({ name: 'two for everything', ...TWO_OF_THREE });

      const adopted = await eventually('the change is on record', () =>
        asSuperuser(stack.database, async (client) => {
          const { rows } = await client.query<{ sha256: string }>(
            `SELECT convert_from(header, 'UTF8')::jsonb ->> 'sha256' AS sha256 FROM custody_entries
             WHERE type = 'access-policy.adopted' ORDER BY index`,
          );
          return rows.length >= 2 && rows.map(({ sha256 }) => sha256);
        }),
      );
      expect(adopted).toEqual([old.sha256, now.sha256]);
    }, 60_000);
  });

  describe('about ten thousand recordings', () => {
    it('are asked for, granted and withdrawn within seconds; one more is refused', async () => {
      const many = await asSuperuser(stack.database, async (client) => {
        const { rows } = await client.query<{ id: string }>(
          `INSERT INTO recordings (id, name, size, sha256, camera, recorded_at, clock_offset_ms, state, bucket, key, upload_id,
             version_id, part_size, announced_at, received_at, sealed_at, sealed_entry, fixity_due_at)
           SELECT id, 'clip', 1, sha256(id::text::bytea), 'CAM', now(), 0, 'sealed', 'none', id::text, 'upload', 'version', 8388608,
             now(), now(), now(), id, now() + interval '100 days' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) made
           RETURNING id`,
          [MOST + 1],
        );
        return rows.map(({ id }) => id);
      });
      const tooMany = await investigator.http.post('/api/access-requests', asking(many));
      expectProblem(tooMany, 400, 'invalid-request');
      const timed = async <T>(work: Promise<T>): Promise<{ took: number; answer: T }> => {
        const begun = Date.now();
        const answer = await work;
        return { took: Date.now() - begun, answer };
      };
      const asked = await timed(
        investigator.http.post<AccessRequestAnswer>('/api/access-requests', asking(many.slice(0, MOST), exporting)),
      );
      const { id, items } = asked.answer.expect(201).body;
      expect(items).toEqual({ open: MOST, granted: 0, denied: 0 });
      const approved = await timed(decide(custodian.http, id, 'grant'));
      approved.answer.expect(200);
      const granted = await timed(decide(supervisor.http, id, 'grant'));
      expect(granted.answer.expect(200).body).toMatchObject({ state: 'granted', items: { granted: MOST } });
      expect(granted.answer.body.grants).toHaveLength(MOST);
      const closed = await timed(investigator.http.post(`/api/access-requests/${id}/close`));
      closed.answer.expect(200);
      for (const { took } of [asked, approved, granted, closed]) expect(took).toBeLessThan(20_000);
      if (process.env['SHOW_TIMES'])
        process.stderr.write(`${[asked, approved, granted, closed].map(({ took }) => took).join(' ')} ms\n`);
    }, 120_000);
  });

  describe('when the policy is faulty', () => {
    it('cannot be made: the service does not start, and names every fault', async () => {
      const faulty = join(folder, 'faulty.json');
      await writeFile(
        faulty,
        JSON.stringify({ ...policy([{ name: 'officers', seats: ['officer'], need: 1 }]), v: 2, standing: 1 }),
      );
      await stack.kill('api');
      const api = new ProductProcess('api', stack.url, { ...stack.env, ACCESS_POLICY_FILE: faulty }, join(folder, 'api.log'));
      api.start();
      const failed = await api.ready().then(
        () => '',
        (error: unknown) => String(error),
      );
      await api.stop();
      for (const fault of ['ACCESS_POLICY_FILE', 'v: ', 'rules.1.seats.0: ', 'standing: ']) expect(failed).toContain(fault);
    }, 60_000);
  });
});
