import { randomUUID } from 'node:crypto';
import type { EmergencyAnswer, NoticeAnswer, RecordingLockAnswer, ViewingAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { asSuperuser } from './superuser.js';
import { ask, asking, fileOf, grant, largestOf, openViewing, playable } from './watching.js';

const BADGE = 'B-300';
const INVESTIGATORS_BADGE = 'B-301';
const WHY = 'A suspect is at large and armed';

describe('what the ordinary way does not reach', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodian: HttpClient;
  let internalAffairs: HttpClient;
  let officer: Enrolled;
  /** The officer's other account. */
  let second: Enrolled;
  /** An investigator, and shown in one of the recordings. */
  let shown: Enrolled;
  let recording: string;
  let other: string;
  let showsInvestigator: string;

  beforeAll(async () => {
    const [started, clip] = await Promise.all([startStack(), clipBytes({ seconds: 1 })]);
    stack = started;
    [administrator, auditor, custodian] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('auditor'),
      stack.signIn('custodian'),
    ]);
    internalAffairs = (await enrol(administrator, ['investigator'])).http;
    officer = await enrol(administrator, ['officer'], BADGE);
    second = await enrol(administrator, ['officer'], null, officer.id);
    shown = await enrol(administrator, ['investigator'], INVESTIGATORS_BADGE);
    const dock = await TestDock.enrol(administrator);
    ({ recording } = await dock.upload('stop.mp4', variantOf(clip), { officer: BADGE }));
    ({ recording: other } = await dock.upload('chase.mp4', variantOf(clip), { officer: BADGE }));
    ({ recording: showsInvestigator } = await dock.upload('desk.mp4', variantOf(clip), { officer: INVESTIGATORS_BADGE }));
    for (const each of [recording, other]) await playable(auditor, each);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  function expectRefused(answer: Answer<unknown>, reason: string): void {
    expect(answer.expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason });
  }

  async function lock(about: Enrolled, on = recording): Promise<RecordingLockAnswer> {
    const body = { person: about.id, reason: 'To make a statement first' };
    return (await internalAffairs.post<RecordingLockAnswer>(`/api/recordings/${on}/locks`, body)).expect(201).body;
  }

  const lift = (
    by: HttpClient,
    { id }: { id: string },
    body: object = { reason: 'A statement was made' },
  ): Promise<Answer<unknown>> => by.post(`/api/locks/${id}/lift`, body);

  const state = (by: HttpClient, { id }: { id: string }): Promise<Answer<unknown>> =>
    by.post(`/api/locks/${id}/statement`, { statement: 'IA-2026-017, page 3' });

  async function segmentsOf(viewer: HttpClient, viewing: ViewingAnswer): Promise<string[]> {
    return (await largestOf(viewer, viewing)).segments.map(({ name }) => fileOf(viewing, name));
  }

  describe('a recording locked against an officer', () => {
    it('is refused to them in the middle of a viewing, under every account and grant, and that is on record', async () => {
      await grant(custodian, await ask(officer.http, recording, { purpose: 'own-report' }));
      await grant(custodian, await ask(second.http, recording, { purpose: 'prosecution' }));
      const viewing = await openViewing(officer.http, recording, 'own-report');
      const [first = '', next = first] = await segmentsOf(officer.http, viewing);
      (await officer.http.get(first)).expect(200);
      const held = await lock(second);
      expectRefused(await officer.http.get(next), 'locked');
      expectRefused(await officer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'own-report' }), 'locked');
      expectRefused(await second.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'prosecution' }), 'locked');
      for (const { http } of [officer, second])
        expectRefused(await http.post('/api/access-requests', asking([recording, other])), 'locked');
      const refused = (await chainOf(auditor, recording)).filter(({ type, event }) => {
        return type === 'access.refused' && event['reason'] === 'locked';
      });
      expect(refused.map(({ actor, event }) => [actor, event['action']])).toEqual([
        [officer.id, 'viewing.watch'],
        [officer.id, 'viewing.open'],
        [second.id, 'viewing.open'],
        [officer.id, 'access-request.submit'],
        [second.id, 'access-request.submit'],
      ]);
      (await officer.http.post(`/api/recordings/${other}/viewings`, { purpose: 'own-report' })).expect(201);
      (await lift(internalAffairs, held, { reason: 'That will do', override: true })).expect(200);
      const lifted = await entryOn(auditor, recording, 'recording.unlocked', (event) => event['lock'] === held.id);
      expect(lifted.event).toMatchObject({ withoutStatement: true, reason: 'That will do' });
      await openViewing(officer.http, recording, 'own-report');
    });

    it('is open to everybody else as it was', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      await grant(custodian, await ask(viewer.http, recording));
      const held = await lock(officer);
      await openViewing(viewer.http, recording);
      (await lift(internalAffairs, held, { reason: 'A mistake', override: true })).expect(200);
    });

    it('is opened by internal affairs, once a statement is on record', async () => {
      const held = await lock(officer);
      expectRefused(await lift(custodian, held), 'role');
      expectRefused(await state(custodian, held), 'role');
      const early = (await lift(internalAffairs, held)).expect(409).problem();
      expect(early.type).toBe('urn:custodiet:statement-missing');
      (await state(internalAffairs, held)).expect(200);
      expect((await state(internalAffairs, held)).expect(409).problem().type).toBe('urn:custodiet:statement-recorded');
      (await lift(internalAffairs, held)).expect(200);
      expect((await lift(internalAffairs, held)).expect(409).problem().type).toBe('urn:custodiet:lock-lifted');
      expect((await state(internalAffairs, held)).expect(409).problem().type).toBe('urn:custodiet:lock-lifted');
      const about = (await chainOf(auditor, recording)).filter(({ event }) => event['lock'] === held.id);
      expect(about.map(({ type }) => type)).toEqual(['recording.locked', 'recording.statement-recorded', 'recording.unlocked']);
      expect(about[2]?.event).not.toHaveProperty('withoutStatement');
      const { locks } = (await custodian.get<{ locks: RecordingLockAnswer[] }>(`/api/recordings/${recording}/locks`)).expect(
        200,
      ).body;
      expect(locks.find(({ id }) => id === held.id)).toMatchObject({
        person: officer.id,
        liftedAt: expect.any(String) as string,
      });
    });

    it('is not opened by the locked person, whatever roles their other account has', async () => {
      const promoted = await enrol(administrator, ['investigator'], null, officer.id);
      const held = await lock(officer, other);
      (await state(internalAffairs, held)).expect(200);
      expectRefused(await lift(promoted.http, held), 'subject-of-request');
      await entryOn(auditor, other, 'access.refused', (event) => event['action'] === 'lock.lift');
      (await lift(internalAffairs, held)).expect(200);
    });

    it('cannot be locked by whom it shows, nor against oneself', async () => {
      const body = { person: officer.id, reason: 'I would rather be alone' };
      expectRefused(await shown.http.post(`/api/recordings/${showsInvestigator}/locks`, body), 'subject-of-request');
      const self = { ...body, person: shown.id };
      expectRefused(await shown.http.post(`/api/recordings/${recording}/locks`, self), 'subject-of-request');
      await entryOn(auditor, recording, 'access.refused', (event) => event['action'] === 'lock.set');
    });

    it('is locked once, when several do it at the same moment under several of their accounts', async () => {
      const answers = await Promise.all(
        [officer, second, officer, second].map(({ id }) =>
          internalAffairs.post<RecordingLockAnswer>(`/api/recordings/${other}/locks`, { person: id, reason: 'all at once' }),
        ),
      );
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
      const made = answers.find(({ status }) => status === 201)?.body;
      for (const answer of answers)
        if (answer.status === 409)
          expect(answer.problem()).toMatchObject({ type: 'urn:custodiet:already-locked', lock: made?.id });
      (await lift(internalAffairs, { id: made?.id ?? '' }, { reason: 'A test', override: true })).expect(200);
    });

    it('is not locked against somebody who is not there', async () => {
      const body = { person: randomUUID(), reason: 'Nobody at all' };
      const answer = await internalAffairs.post(`/api/recordings/${recording}/locks`, body);
      expect(answer.expect(422).problem().type).toBe('urn:custodiet:person-unknown');
    });
  });

  describe('a copy of which part is covered', () => {
    it('is locked together with the original it was made from', async () => {
      const copy = randomUUID();
      await asSuperuser(stack.database, async (client) => {
        const { rows } = await client.query<{ names: string }>(
          `SELECT string_agg(quote_ident(column_name), ', ') AS names FROM information_schema.columns
           WHERE table_name = 'recordings' AND is_generated = 'NEVER' AND column_name NOT IN ('id', 'parent_id', 'origin', 'key', 'counter', 'manifest_id')`,
        );
        const names = rows[0]?.names ?? '';
        await client.query(
          `INSERT INTO recordings (id, parent_id, origin, key, ${names}) SELECT $1, id, 'derived', 'copies/of-it', ${names} FROM recordings WHERE id = $2`,
          [copy, other],
        );
      });
      const held = await lock(officer, copy);
      expect(held.recording).toBe(other);
      expectRefused(await officer.http.post(`/api/recordings/${other}/viewings`, { purpose: 'own-report' }), 'locked');
      for (const each of [copy, other]) {
        const { locks } = (await custodian.get<{ locks: RecordingLockAnswer[] }>(`/api/recordings/${each}/locks`)).expect(
          200,
        ).body;
        expect(locks.map(({ id }) => id)).toContain(held.id);
      }
      (await lift(internalAffairs, held, { reason: 'A test', override: true })).expect(200);
    });
  });

  describe('what cannot be put on record', () => {
    /** The database refuses to end that one, as it would one that was tampered with. */
    async function stuck(table: string, id: string, work: () => Promise<void>): Promise<void> {
      await asSuperuser(stack.database, (client) =>
        client.query(`
          CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.id = '${id}' AND NEW.closed_at IS NOT NULL THEN RAISE EXCEPTION 'stuck'; END IF; RETURN NEW; END $$;
          CREATE TRIGGER stuck BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION stuck();`),
      );
      try {
        await work();
      } finally {
        await asSuperuser(stack.database, (client) => client.query(`DROP TRIGGER stuck ON ${table}; DROP FUNCTION stuck()`));
      }
    }

    it('keeps no other request from ending', async () => {
      const [bad, good] = [await ask(officer.http, recording), await ask(officer.http, recording)];
      await stuck('access_requests', bad, async () => {
        await asSuperuser(stack.database, (client) =>
          client.query(
            `UPDATE access_requests SET wanted_until = now() - CASE id WHEN $1 THEN interval '2 hours' ELSE interval '1 hour' END
             WHERE id IN ($1, $2)`,
            [bad, good],
          ),
        );
        await eventually('the other has ended', async () => {
          const { body } = (await officer.http.get<{ state: string }>(`/api/access-requests/${good}`)).expect(200);
          return body.state === 'expired';
        });
      });
    }, 60_000);

    it('counts no viewing that was never open, because the service died while it was opened', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      await grant(custodian, await ask(viewer.http, recording), undefined, { viewings: 1 });
      const { viewing } = await openViewing(viewer.http, recording);
      await asSuperuser(stack.database, (client) =>
        client.query("UPDATE viewings SET ready_at = NULL, last_seen_at = now() - interval '1 hour' WHERE id = $1", [viewing]),
      );
      await entryOn(auditor, recording, 'viewing.closed', (event) => event['viewing'] === viewing);
      await openViewing(viewer.http, recording);
      const answer = await viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' });
      expectRefused(answer, 'grant-used-up');
    }, 60_000);

    it('keeps no other viewing from ending', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      await grant(custodian, await ask(viewer.http, recording));
      const [bad, good] = [await openViewing(viewer.http, recording), await openViewing(viewer.http, recording)];
      await stuck('viewings', bad.viewing, async () => {
        await asSuperuser(stack.database, (client) =>
          client.query(
            `UPDATE viewings SET last_seen_at = now() - CASE id WHEN $1 THEN interval '2 hours' ELSE interval '1 hour' END
             WHERE id IN ($1, $2)`,
            [bad.viewing, good.viewing],
          ),
        );
        await entryOn(auditor, recording, 'viewing.closed', ({ viewing }) => viewing === good.viewing);
      });
    }, 60_000);
  });

  describe('access taken in an emergency', () => {
    const emergency = (recordings: readonly string[], changes: object = {}): object => ({
      ...{ recordings, purpose: 'internal-investigation', caseNumber: 'IA-2026-018', justification: WHY, ...changes },
    });
    const take = async (by: HttpClient, recordings: readonly string[]): Promise<EmergencyAnswer> =>
      (await by.post<EmergencyAnswer>('/api/break-glass', emergency(recordings))).expect(201).body;
    const review = (by: HttpClient, { id }: { id: string }, justified: boolean): Promise<Answer<unknown>> =>
      by.post(`/api/break-glass/${id}/review`, { justified, note: 'Looked at closely' });
    const noticesOf = async (client: HttpClient, about: string): Promise<NoticeAnswer[]> =>
      (await client.get<{ notices: NoticeAnswer[] }>('/api/notices?limit=200'))
        .expect(200)
        .body.notices.filter((notice) => notice.about === about);

    it('opens the recordings at once, is on their record, and is told to those who review it', async () => {
      const { id, http } = await enrol(administrator, ['investigator']);
      const { id: taken, grants, until } = await take(http, [recording, other]);
      expect(grants).toHaveLength(2);
      expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(4 * 3_600_000);
      await openViewing(http, recording);
      for (const each of [recording, other]) {
        const { event, actor } = await entryOn(auditor, each, 'break-glass.opened', ({ request }) => request === taken);
        expect(event).toMatchObject({ justification: WHY, caseNumber: 'IA-2026-018' });
        expect((event['reviewers'] as string[]).length).toBeGreaterThanOrEqual(2);
        expect(actor).toBe(id);
      }
      for (const reviewer of [custodian, auditor])
        expect(await noticesOf(reviewer, taken)).toMatchObject([{ kind: 'break-glass-opened', readAt: null }]);
      expect(await noticesOf(http, taken)).toEqual([]);
      const listed = async (client: HttpClient, query = ''): Promise<string[]> =>
        (await client.get<{ emergencies: EmergencyAnswer[] }>(`/api/break-glass${query}`))
          .expect(200)
          .body.emergencies.map((each) => each.id);
      expect(await listed(auditor, '?open=true')).toContain(taken);
      expect(await listed(http)).toEqual([taken]);
      expect(await listed(internalAffairs)).not.toContain(taken);
      (await review(custodian, { id: taken }, true)).expect(200);
      expect(await listed(auditor, '?open=true')).not.toContain(taken);
      const { event } = await entryOn(auditor, recording, 'break-glass.reviewed', ({ request }) => request === taken);
      expect(event).toMatchObject({ justified: true, note: 'Looked at closely' });
      // Justified is not taken back.
      await openViewing(http, other);
    });

    it('is taken back in the middle of a viewing when a reviewer finds that it was not justified', async () => {
      const { http } = await enrol(administrator, ['supervisor']);
      const taken = await take(http, [recording]);
      const viewing = await openViewing(http, recording);
      const [first = '', next = first] = await segmentsOf(http, viewing);
      (await http.get(first)).expect(200);
      const answers = await Promise.all([review(custodian, taken, false), review(auditor, taken, false)]);
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409]);
      expectRefused(await http.get(next), 'grant-revoked');
      expect((await review(auditor, taken, true)).expect(409).problem()).toMatchObject({
        type: 'urn:custodiet:reviewed-already',
        justified: false,
      });
      await entryOn(auditor, recording, 'access.revoked', (event) => event['grant'] === taken.grants[0]?.id);
      expect(await noticesOf(http, taken.id)).toMatchObject([{ kind: 'break-glass-reviewed' }]);
    });

    it('is not taken again, under any account, by whom it was taken back from', async () => {
      const { id, http } = await enrol(administrator, ['investigator']);
      const again = await enrol(administrator, ['supervisor'], null, id);
      (await review(custodian, await take(http, [recording]), false)).expect(200);
      for (const by of [http, again.http])
        expectRefused(await by.post('/api/break-glass', emergency([other, recording])), 'grant-revoked');
      const { grants, id: taken } = await take(again.http, [other]);
      (await custodian.post(`/api/grants/${grants[0]?.id ?? ''}/revoke`, { reason: 'There is no emergency' })).expect(204);
      expectRefused(await http.post('/api/break-glass', emergency([other])), 'grant-revoked');
      (await review(custodian, { id: taken }, true)).expect(200);
    });

    it('can be taken again by whoever closed it themselves', async () => {
      const { http } = await enrol(administrator, ['investigator']);
      const first = await take(http, [recording]);
      (await http.post(`/api/access-requests/${first.id}/close`)).expect(200);
      const second = await take(http, [recording]);
      for (const each of [first, second]) (await review(custodian, each, true)).expect(200);
    });

    it('is reviewed neither by whoever took it, under any account, nor by whom it shows, nor without the role', async () => {
      const { id, http } = await enrol(administrator, ['investigator', 'custodian']);
      const again = await enrol(administrator, ['custodian'], null, id);
      const subject = await enrol(administrator, ['custodian'], null, officer.id);
      const taken = await take(http, [recording]);
      expectRefused(await review(http, taken, true), 'own-request');
      expectRefused(await review(again.http, taken, true), 'own-request');
      expectRefused(await review(subject.http, taken, true), 'subject-of-request');
      expectRefused(await review(internalAffairs, taken, true), 'role');
      for (const { http: told } of [again, subject]) expect(await noticesOf(told, taken.id)).toEqual([]);
      (await review(auditor, taken, true)).expect(200);
    });

    it('overrides no lock and opens no footage of the own conduct, and the attempt is on record', async () => {
      const held = await lock(shown);
      expectRefused(await shown.http.post('/api/break-glass', emergency([other, recording])), 'locked');
      (await lift(internalAffairs, held, { reason: 'A test', override: true })).expect(200);
      expectRefused(await shown.http.post('/api/break-glass', emergency([showsInvestigator])), 'subject-of-request');
      await entryOn(
        auditor,
        recording,
        'access.refused',
        ({ action, reason }) => action === 'break-glass.open' && reason === 'locked',
      );
      await entryOn(auditor, showsInvestigator, 'access.refused', ({ action }) => action === 'break-glass.open');
      // Nor was the other one, which nothing stood against, opened with it.
      expectRefused(
        await shown.http.post(`/api/recordings/${other}/viewings`, { purpose: 'internal-investigation' }),
        'no-grant',
      );
    });

    it.each(['officer', 'custodian', 'auditor'])('is not for the role %s, which is on record', async (role) => {
      const { id, http } = await enrol(administrator, [role]);
      expectRefused(await http.post('/api/break-glass', emergency([other])), 'role');
      const refused = async (): Promise<boolean> =>
        (await chainOf(auditor, other)).some(({ type, actor }) => type === 'access.refused' && actor === id);
      await eventually('the refusal is on record', refused);
    });

    it('is refused with what is missing, and then opens nothing', async () => {
      const answer = (changes: object): Promise<Answer<unknown>> =>
        internalAffairs.post('/api/break-glass', emergency([recording], changes));
      for (const changes of [
        { justification: 'because' },
        { recordings: [] },
        { recordings: Array.from({ length: 21 }, () => randomUUID()) },
        { caseNumber: ' ' },
      ])
        expect((await answer(changes)).expect(400).problem().type).toBe('urn:custodiet:invalid-request');
      expect((await answer({ purpose: 'training' })).expect(422).problem().type).toBe(
        'urn:custodiet:purpose-not-for-emergencies',
      );
      const unknown = await answer({ recordings: [recording, randomUUID()] });
      expect(unknown.expect(422).problem().type).toBe('urn:custodiet:recording-unknown');
      expectRefused(
        await internalAffairs.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' }),
        'no-grant',
      );
    });

    it('is called overdue, and reviewers are told once more, when nobody has looked at it in time', async () => {
      const { id } = await take(shown.http, [other]);
      await asSuperuser(stack.database, (client) =>
        client.query("UPDATE access_requests SET due_at = now() - interval '1 minute' WHERE id = $1", [id]),
      );
      const { emergencies } = (await auditor.get<{ emergencies: EmergencyAnswer[] }>('/api/break-glass?open=true')).expect(
        200,
      ).body;
      expect(emergencies.find((each) => each.id === id)?.overdue).toBe(true);
      const told = await eventually('the reviewers are told', async () => {
        const notices = await noticesOf(auditor, id);
        return notices.length > 1 && notices;
      });
      expect(told.map(({ kind }) => kind)).toEqual(['break-glass-overdue', 'break-glass-opened']);
      (await review(auditor, { id }, true)).expect(200);
    });
  });

  describe('notices', () => {
    it('are read by whom they are for, page by page, and by nobody else', async () => {
      const reader = await enrol(administrator, ['auditor']);
      const { http } = await enrol(administrator, ['investigator']);
      for (let i = 0; i < 2; i++)
        (
          await http.post('/api/break-glass', {
            ...{ recordings: [recording], purpose: 'prosecution', caseNumber: 'IA-2026-019', justification: WHY },
          })
        ).expect(201);
      type Page = { notices: NoticeAnswer[]; next: string | null };
      const page = async (query: string): Promise<Page> =>
        (await reader.http.get<Page>(`/api/notices?${query}`)).expect(200).body;
      const { notices, next } = await page('limit=1');
      expect([notices.length, next]).toEqual([1, notices[0]?.id]);
      const rest = await page(`limit=1&after=${next ?? ''}`);
      expect([rest.notices.length, rest.next]).toEqual([1, null]);
      const path = `/api/notices/${notices[0]?.id ?? ''}/read`;
      expectRefused(await auditor.post(path), 'not-yours');
      const { readAt } = (await reader.http.post<NoticeAnswer>(path)).expect(200).body;
      expect((await reader.http.post<NoticeAnswer>(path)).expect(200).body.readAt).toBe(readAt);
      expect((await page('unread=true')).notices.map(({ id }) => id)).toEqual([rest.notices[0]?.id]);
    });
  });
});
