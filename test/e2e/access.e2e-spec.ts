import { randomUUID } from 'node:crypto';
import type {
  AccessRequestAnswer,
  ClosedViewingAnswer,
  GrantAnswer,
  RecordingAnswer,
  ViewingAnswer,
} from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { HttpClient, type Answer } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { ask, asking, fileOf, grant, inSeconds, largestOf, openViewing, playable, sizesOf, trackOf } from './watching.js';

const IDLE_SECONDS = 10;
const OFFICER_BADGE = 'B-100';
const OFFICIAL_BADGE = 'B-200';

describe('access to footage', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodian: HttpClient;
  let investigator: Enrolled;
  let officer: Enrolled;
  /** Custodian and, by the badge on a recording, the one whose conduct it shows. */
  let official: Enrolled;
  let recording: string;
  let officialsRecording: string;

  beforeAll(async () => {
    const [started, clip] = await Promise.all([
      startStack({ VIEWING_IDLE_SECONDS: String(IDLE_SECONDS) }),
      clipBytes({ seconds: 9 }),
    ]);
    stack = started;
    [administrator, auditor, custodian] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('auditor'),
      stack.signIn('custodian'),
    ]);
    investigator = await enrol(administrator, ['investigator']);
    officer = await enrol(administrator, ['officer'], OFFICER_BADGE);
    official = await enrol(administrator, ['custodian'], OFFICIAL_BADGE);
    const dock = await TestDock.enrol(administrator);
    ({ recording } = await dock.upload('stop.mp4', variantOf(clip), { officer: OFFICER_BADGE }));
    ({ recording: officialsRecording } = await dock.upload('desk.mp4', variantOf(clip), { officer: OFFICIAL_BADGE }));
    await playable(auditor, recording);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  /** A viewing of a new investigator's, so that one test's grants do not open another's door. */
  async function watching(
    until?: string,
  ): Promise<{ viewer: Enrolled; granted: GrantAnswer; viewing: ViewingAnswer; segments: string[] }> {
    const viewer = await enrol(administrator, ['investigator']);
    const granted = await grant(custodian, await ask(viewer.http, recording), until);
    const viewing = await openViewing(viewer.http, recording);
    const { segments } = await largestOf(viewer.http, viewing);
    return { viewer, granted, viewing, segments: segments.map(({ name }) => name) };
  }

  function expectRefused(answer: Answer<unknown>, reason: string): void {
    expect(answer.expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason });
  }

  describe('without a grant', () => {
    it.each(['investigator', 'officer', 'supervisor', 'custodian', 'auditor'])(
      'is refused to a %s, on the record of the recording',
      async (role) => {
        const { id, http } = await enrol(administrator, [role]);
        expectRefused(await http.post(`/api/recordings/${recording}/viewings`, { purpose: 'prosecution' }), 'no-grant');
        const refused = await eventually('the refusal is on record', async () =>
          (await chainOf(auditor, recording)).find((entry) => entry.type === 'access.refused' && entry.actor === id),
        );
        expect(refused.event).toMatchObject({ action: 'viewing.open', reason: 'no-grant' });
      },
    );

    it('is refused for another recording than the granted one', async () => {
      await grant(custodian, await ask(investigator.http, recording));
      expectRefused(
        await investigator.http.post(`/api/recordings/${officialsRecording}/viewings`, { purpose: 'oversight' }),
        'no-grant',
      );
    });
  });

  describe('with a grant', () => {
    it('shows what was asked for and puts every step and exactly the ranges that were fetched on record', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      const request = await ask(viewer.http, recording);
      expectRefused(
        await viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' }),
        'no-grant',
      );
      const granted = await grant(custodian, request);
      expect(granted).toMatchObject({ recording, person: viewer.id });
      const opened = await openViewing(viewer.http, recording);

      const playlist = (await viewer.http.get(opened.playlist)).expect(200);
      expect(playlist.contentType).toBe('application/vnd.apple.mpegurl');
      const { init, segments } = await trackOf(viewer.http, opened, sizesOf(playlist.text)[0]?.name ?? '');
      expect(segments.length).toBeGreaterThanOrEqual(3);
      expect(segments.at(-1)?.toMs).toBeGreaterThan(8500);
      const [first, , third] = segments;
      (await viewer.http.get(fileOf(opened, init))).expect(200);
      expect((await viewer.http.get(opened.poster)).expect(200).bytes.subarray(0, 2).toString('hex')).toBe('ffd8');
      let bytes = 0;
      for (const segment of [first, third]) {
        const answer = (await viewer.http.get(fileOf(opened, segment?.name ?? ''))).expect(200);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
        bytes += answer.bytes.length;
      }
      const closed = (await viewer.http.post<ClosedViewingAnswer>(`/api/viewings/${opened.viewing}/close`)).expect(200).body;
      const spans = [first, third].map((segment) => ({
        fromMs: Math.round(segment?.fromMs ?? -1),
        toMs: Math.round(segment?.toMs ?? -1),
      }));
      expect(closed.delivered).toEqual(spans);
      const [poster] = closed.stills;
      expect(closed.stills).toHaveLength(1);
      expect((poster?.toMs ?? 0) - (poster?.fromMs ?? 0)).toBeLessThan(1000);
      expect(closed.files).toBe(6);
      expect(closed.bytes).toBeGreaterThan(bytes);

      const onRecord = await entryOn(auditor, recording, 'viewing.closed', (event) => event['viewing'] === opened.viewing);
      expect(onRecord.event).toMatchObject({
        delivered: closed.delivered,
        stills: closed.stills,
        files: 6,
        bytes: closed.bytes,
        aborted: 0,
        closedBy: 'viewer',
      });
      expect(onRecord.actor).toBe(viewer.id);
      const chain = await chainOf(auditor, recording);
      const steps = chain
        .filter(({ actor, event }) => actor === viewer.id || event['person'] === viewer.id)
        .map(({ type }) => type);
      expect(steps).toEqual(['access.requested', 'access.refused', 'access.granted', 'viewing.opened', 'viewing.closed']);
      expect(
        chain.find(({ event, type }) => type === 'viewing.opened' && event['viewing'] === opened.viewing)?.event,
      ).toMatchObject({
        grant: granted.id,
        purpose: 'internal-investigation',
        caseNumber: 'IA-2026-017',
      });
    });

    it('is closed once: closing it again tells the same and writes nothing', async () => {
      const { viewer, viewing } = await watching();
      const first = (await viewer.http.post(`/api/viewings/${viewing.viewing}/close`)).expect(200).body;
      expect((await viewer.http.post(`/api/viewings/${viewing.viewing}/close`)).expect(200).body).toEqual(first);
      await entryOn(auditor, recording, 'viewing.closed', (event) => event['viewing'] === viewing.viewing);
      const closings = (await chainOf(auditor, recording)).filter(
        ({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing.viewing,
      );
      expect(closings).toHaveLength(1);
    });

    it('shows nothing more once the viewing is closed', async () => {
      const { viewer, viewing, segments } = await watching();
      (await viewer.http.post(`/api/viewings/${viewing.viewing}/close`)).expect(200);
      expectRefused(await viewer.http.get(fileOf(viewing, segments[0] ?? '')), 'viewing-closed');
    });

    it('stops at the next segment when the grant is revoked', async () => {
      const { viewer, granted, viewing, segments } = await watching();
      (await viewer.http.get(fileOf(viewing, segments[0] ?? ''))).expect(200);
      (await custodian.post(`/api/grants/${granted.id}/revoke`, { reason: 'the case was closed' })).expect(204);
      expectRefused(await viewer.http.get(fileOf(viewing, segments[1] ?? '')), 'grant-revoked');
      expectRefused(
        await viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' }),
        'grant-revoked',
      );
      const revoked = await entryOn(auditor, recording, 'access.revoked', (event) => event['grant'] === granted.id);
      expect(revoked.event).toMatchObject({ reason: 'the case was closed' });
    });

    it('is not ended by whom the recording shows: they revoke no grant for it', async () => {
      const { id } = await grant(custodian, await ask(investigator.http, officialsRecording));
      expectRefused(
        await official.http.post(`/api/grants/${id}/revoke`, { reason: 'not needed any more' }),
        'subject-of-request',
      );
      const attempt = { action: 'grant.revoke', reason: 'subject-of-request' };
      await entryOn(
        auditor,
        officialsRecording,
        'access.refused',
        (e) => e['action'] === attempt.action && e['reason'] === attempt.reason,
      );
      (await custodian.post(`/api/grants/${id}/revoke`, { reason: 'the case was closed' })).expect(204);
    });

    it('stops when the grant ends', async () => {
      const { viewer, viewing, segments } = await watching(inSeconds(4));
      await eventually(
        'the grant has ended',
        async () => (await viewer.http.get(fileOf(viewing, segments[0] ?? ''))).status === 403,
      );
      expectRefused(await viewer.http.get(fileOf(viewing, segments[0] ?? '')), 'grant-expired');
      expectRefused(
        await viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' }),
        'grant-expired',
      );
    });

    it("is of no use to another person, nor to the same person's other session", async () => {
      const { viewer, viewing, segments } = await watching();
      const path = fileOf(viewing, segments[0] ?? '');
      for (const other of [investigator.http, custodian, auditor, officer.http]) {
        expectRefused(await other.get(path), 'not-yours');
        expectRefused(await other.post(`/api/viewings/${viewing.viewing}/close`), 'not-yours');
      }
      const elsewhere = await viewer.signInAgain();
      expectRefused(await elsewhere.get(path), 'other-session');
      (await stack.anonymous().get(path)).expect(401).problem();
      (await viewer.http.get(path)).expect(200);
    });

    it('ends with the session it was opened in', async () => {
      const { viewer, viewing, segments } = await watching();
      (await viewer.http.delete('/api/session')).expect(204);
      (await viewer.http.get(fileOf(viewing, segments[0] ?? ''))).expect(401).problem();
    });

    it('is for the purpose that was granted and no other', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      await grant(custodian, await ask(viewer.http, recording));
      const answer = await viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'training' });
      expect(answer.expect(422).problem()).toMatchObject({
        type: 'urn:custodiet:purpose-differs',
        granted: 'internal-investigation',
      });
    });

    it('opens no door for somebody who also administers', async () => {
      const both = await enrol(administrator, ['investigator', 'administrator']);
      await grant(custodian, await ask(both.http, recording));
      expectRefused(await both.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' }), 'role');
    });

    it('gives out the files of the playback copy and nothing else', async () => {
      const { viewer, viewing } = await watching();
      for (const name of [
        'original',
        'nothing.m4s',
        '..%2fposter.jpg',
        '..%2f..%2f..%2fetc%2fpasswd',
        '%00',
        'poster.jpg%00',
        'a'.repeat(150),
      ]) {
        const answer = await viewer.http.get(fileOf(viewing, name));
        expect(`${name} ${answer.status} ${answer.contentType}`).toMatch(/ 40[04] application\/problem\+json$/);
      }
    });

    it('is closed by the service when the viewer has gone away, with what was delivered', async () => {
      const { viewer, viewing, segments } = await watching();
      (await viewer.http.get(fileOf(viewing, segments[0] ?? ''))).expect(200);
      const closed = await eventually(
        'the service closes it',
        async () =>
          (await chainOf(auditor, recording)).find(
            ({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing.viewing,
          ),
        { withinMs: (IDLE_SECONDS + 20) * 1000, everyMs: 500 },
      );
      expect(closed.event).toMatchObject({ closedBy: 'service', files: 3, delivered: [{ fromMs: 0 }] });
      expect(closed.actor).toBeNull();
      expectRefused(await viewer.http.get(fileOf(viewing, segments[1] ?? '')), 'viewing-closed');
    }, 60_000);
  });

  describe('deciding', () => {
    it('is refused to whoever asked', async () => {
      const both = await enrol(administrator, ['investigator', 'custodian']);
      const request = await ask(both.http, recording);
      expectRefused(await both.http.post(`/api/access-requests/${request}/grant`, {}), 'own-request');
      expectRefused(await both.http.post(`/api/access-requests/${request}/deny`, { reason: 'I think not' }), 'own-request');
      const refused = await eventually('the attempt is on record', async () =>
        (await chainOf(auditor, recording)).find((entry) => entry.type === 'access.refused' && entry.actor === both.id),
      );
      expect(refused.event).toMatchObject({ action: 'access-request.decide', reason: 'own-request' });
      await grant(custodian, request);
    });

    it('is refused to whoever the recording shows', async () => {
      const request = await ask(investigator.http, officialsRecording);
      expectRefused(await official.http.post(`/api/access-requests/${request}/grant`, {}), 'subject-of-request');
      await entryOn(auditor, officialsRecording, 'access.refused', (event) => event['reason'] === 'subject-of-request');
      await grant(custodian, request);
    });

    it('is refused to whoever had the camera, also when the shift sheet was entered after the recording arrived', async () => {
      const wearer = await enrol(administrator, ['officer', 'custodian']);
      const { camera, recordedAt } = (
        await auditor.get<{ camera: string; recordedAt: string }>(`/api/recordings/${recording}`)
      ).expect(200).body;
      const request = await ask(investigator.http, recording);
      const { id } = (await administrator.post<{ id: string }>('/api/cameras', { serial: camera })).expect(201).body;
      const span = { person: wearer.id, from: recordedAt, until: new Date(Date.parse(recordedAt) + 1000).toISOString() };
      (await administrator.post(`/api/cameras/${id}/assignments`, span)).expect(201);
      expectRefused(await wearer.http.post(`/api/access-requests/${request}/grant`, {}), 'subject-of-request');
      await grant(custodian, request);
    });

    it('is refused to whoever one of several recordings shows', async () => {
      const answer = await investigator.http.post<AccessRequestAnswer>(
        '/api/access-requests',
        asking([recording, officialsRecording]),
      );
      expectRefused(
        await official.http.post(`/api/access-requests/${answer.expect(201).body.id}/grant`, {}),
        'subject-of-request',
      );
    });

    it.each(['officer', 'supervisor', 'investigator', 'auditor', 'administrator'])('is refused to the role %s', async (role) => {
      const request = await ask(investigator.http, recording);
      const { http } = await enrol(administrator, [role]);
      expectRefused(await http.post(`/api/access-requests/${request}/grant`, {}), 'role');
    });

    it('happens once: a decided request is not decided again', async () => {
      const request = await ask(investigator.http, recording);
      await grant(custodian, request);
      const again = await custodian.post(`/api/access-requests/${request}/grant`, {});
      expect(again.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:request-decided', state: 'granted' });
      (await custodian.post(`/api/access-requests/${request}/deny`, { reason: 'on second thought' })).expect(409).problem();
    });

    it('happens once when several custodians grant and deny at the same moment', async () => {
      for (let round = 0; round < 5; round++) {
        const request = await ask(investigator.http, recording);
        const answers = await Promise.all([
          custodian.post(`/api/access-requests/${request}/grant`, {}),
          official.http.post(`/api/access-requests/${request}/deny`, { reason: 'not needed' }),
          custodian.post(`/api/access-requests/${request}/grant`, {}),
        ]);
        expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409]);
        const ofRequest = (event: Readonly<Record<string, unknown>>): boolean => event['request'] === request;
        const decided = await eventually('the decision is on record', async () => {
          const found = (await chainOf(auditor, recording)).filter(
            ({ type, event }) => /access\.(granted|denied)/.test(type) && ofRequest(event),
          );
          return found.length > 0 && found;
        });
        expect(decided.map(({ type }) => type)).toEqual([answers[1]?.status === 200 ? 'access.denied' : 'access.granted']);
      }
    });

    it('gives no more time than was asked for', async () => {
      const request = await ask(investigator.http, recording, { until: inSeconds(600) });
      const answer = await custodian.post(`/api/access-requests/${request}/grant`, { until: inSeconds(700) });
      expect(answer.expect(422).problem().type).toBe('urn:custodiet:until-faulty');
      const { expiresAt } = await grant(custodian, request, inSeconds(300));
      expect(Date.parse(expiresAt) - Date.now()).toBeLessThan(301_000);
    });
  });

  describe('asking', () => {
    it.each([
      ['ends in the past', { until: inSeconds(-1) }],
      ['ends in more than a year', { until: inSeconds(400 * 86_400) }],
    ])('is refused when it %s', async (_, changes) => {
      const answer = await investigator.http.post('/api/access-requests', asking([recording], changes));
      expect(answer.expect(422).problem().type).toBe('urn:custodiet:until-faulty');
    });

    it('is refused for a recording that is not there, naming it', async () => {
      const unknown = randomUUID();
      const answer = await investigator.http.post('/api/access-requests', asking([recording, unknown]));
      expect(answer.expect(422).problem()).toMatchObject({ type: 'urn:custodiet:recording-unknown', recordings: [unknown] });
    });

    it.each([
      ['no recording', { recordings: [] }],
      ['a purpose that is none', { purpose: 'curiosity' }],
      ['no case number', { caseNumber: ' ' }],
      ['no justification', { justification: '' }],
      ['a time without a zone', { until: '2030-01-01T00:00:00' }],
      ['a member that is not known', { approved: true }],
    ])('is refused with %s', async (_, changes) => {
      const answer = await investigator.http.post('/api/access-requests', asking([recording], changes));
      expect(answer.expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });
  });

  describe('lists', () => {
    it('show an officer their own recordings and nobody elses', async () => {
      const { recordings } = (await officer.http.get<{ recordings: RecordingAnswer[] }>('/api/recordings')).expect(200).body;
      expect(recordings.map(({ id }) => id)).toEqual([recording]);
      (await officer.http.get(`/api/recordings/${recording}`)).expect(200);
      expectRefused(await officer.http.get(`/api/recordings/${officialsRecording}`), 'not-yours');
    });

    it('show nobody a recording that they may not read, whatever other roles they have, and no machine', async () => {
      const both = await enrol(administrator, ['officer', 'administrator']);
      const token = { name: 'roll call', roles: ['officer'], days: 1 };
      const { secret } = (await administrator.post<{ secret: string }>('/api/service-tokens', token)).expect(201).body;
      const machine = new HttpClient(administrator.url, () => Promise.resolve(`Bearer ${secret}`));
      for (const reader of [both.http, machine]) {
        expect((await reader.get('/api/recordings')).expect(200).body).toEqual({ recordings: [], next: null });
        (await reader.get(`/api/recordings/${recording}`)).expect(403);
      }
    });

    it('show requests and grants of others to custodians and auditors only', async () => {
      const { http, id } = await enrol(administrator, ['investigator']);
      const request = await ask(http, recording);
      const granted = await grant(custodian, request);
      const idsOf = async (client: HttpClient, path: string, member: string): Promise<string[]> =>
        ((await client.get<Record<string, { id: string }[]>>(path)).expect(200).body[member] ?? []).map((each) => each.id);
      expect(await idsOf(http, '/api/access-requests', 'requests')).toEqual([request]);
      expect(await idsOf(http, '/api/grants', 'grants')).toEqual([granted.id]);
      const stranger = await enrol(administrator, ['investigator']);
      expect(await idsOf(stranger.http, '/api/access-requests', 'requests')).toEqual([]);
      expect(await idsOf(stranger.http, '/api/grants', 'grants')).toEqual([]);
      for (const reader of [custodian, auditor]) {
        expect(await idsOf(reader, '/api/access-requests', 'requests')).toContain(request);
        expect(await idsOf(reader, '/api/grants', 'grants')).toContain(granted.id);
      }
      expect(granted.person).toBe(id);
    });
  });
});
