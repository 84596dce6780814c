import { createHash } from 'node:crypto';
import { decodeZip } from '#tlog';
import type { RecordingAnswer, RedactionAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { boxOver, draftRedaction, muting, orderRedaction, readRedaction, settledRedaction } from './redacting.js';
import { asSuperuser } from './superuser.js';
import { ask, asking, grant, openViewing, playable } from './watching.js';

const CLIP = { out: '', camera: 'TEST-CAMERA-1', seconds: 2, width: 320, height: 180, fps: 15 } as const;

describe('the review of a redaction', () => {
  let stack: Stack;
  let author: Enrolled;
  let reviewer: Enrolled;
  /** A custodian whose conduct the recording shows. */
  let shown: Enrolled;
  let auditor: HttpClient;
  let investigator: HttpClient;
  let original: string;

  beforeAll(async () => {
    const [started, clip] = await Promise.all([startStack(), clipBytes(CLIP)]);
    stack = started;
    const administrator = await stack.signIn('administrator');
    [author, reviewer, shown] = await Promise.all([
      enrol(administrator, ['custodian']),
      enrol(administrator, ['custodian']),
      enrol(administrator, ['custodian'], 'S-77'),
    ]);
    [auditor, investigator] = await Promise.all([stack.signIn('auditor'), stack.signIn('investigator')]);
    const dock = await TestDock.enrol(administrator);
    ({ recording: original } = await dock.upload('stop.mp4', clip, { officer: 'S-77' }));
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  const save = (who: Enrolled, id: string, version: number, plan: object = muting(0, 600)): ReturnType<HttpClient['send']> =>
    who.http.send('PUT', `/api/redactions/${id}/plan`, { json: { plan, version, note: 'a little longer' } });
  const review = (who: Enrolled, id: string, body: object): ReturnType<HttpClient['post']> =>
    who.http.post(`/api/redactions/${id}/review`, body);
  const release = (who: Enrolled, id: string): ReturnType<HttpClient['post']> => who.http.post(`/api/redactions/${id}/release`);

  async function rendered(plan: object = muting(0, 500)): Promise<RedactionAnswer> {
    const done = await settledRedaction(auditor, (await orderRedaction(author.http, original, plan)).id);
    expect(done).toMatchObject({ state: 'rendered', failure: null });
    return done;
  }

  describe('from draft to release', () => {
    let id: string;
    let copy: string;

    it('saves as many versions of a plan as people like, and keeps every one', async () => {
      const first = { v: 1, regions: [boxOver(CLIP, 1500)], mutes: [] };
      const drafted = await draftRedaction(author.http, original, first);
      ({ id } = drafted);
      expect(drafted).toMatchObject({ state: 'draft', version: 1, result: null, renderings: [] });
      const second = { ...first, mutes: [{ fromMs: 200, toMs: 700, reason: 'address' }] };
      expect((await save(author, id, 1, second)).expect(200).body).toMatchObject({ state: 'draft', version: 2, plan: second });
      const { versions } = await readRedaction(auditor, id);
      expect(versions.map(({ version, author: by }) => [version, by])).toEqual([
        [1, author.id],
        [2, author.id],
      ]);
      for (const [version, plan] of [first, second].entries()) {
        const kept = (await auditor.get<{ plan: object; sha256: string }>(`/api/redactions/${id}/plans/${version + 1}`)).expect(
          200,
        );
        expect(kept.body).toMatchObject({ plan, sha256: versions[version]?.sha256 });
      }
      expect((await auditor.get(`/api/redactions/${id}/plans/3`)).expect(404).problem().type).toBe('urn:custodiet:not-found');
      for (const wrong of ['0', 'x', '1.5', '-1', '99999999999'])
        (await auditor.get(`/api/redactions/${id}/plans/${wrong}`)).expect(400);
      await entryOn(auditor, original, 'redaction.drafted', (event) => event['version'] === 2 && event['mutes'] === 1);
    });

    it('renders exactly the version that was asked for', async () => {
      const stale = await author.http.post(`/api/redactions/${id}/render`, { version: 1 });
      expect(stale.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:plan-changed', version: 2 });
      (await author.http.post(`/api/redactions/${id}/render`, { version: 2 })).expect(202);
      const done = await settledRedaction(auditor, id);
      expect(done).toMatchObject({ state: 'rendered', version: 2, failure: null, progress: null });
      copy = done.result ?? '';
      expect(done.renderings).toEqual([expect.objectContaining({ version: 2, result: copy, review: null })]);
      const { event } = await entryOn(auditor, original, 'redaction.sealed', ({ result }) => result === copy);
      expect(event).toMatchObject({ redaction: id, version: 2, planSha256: done.planSha256 });
    }, 120_000);

    it('is, until it is released, for custodians only, and every other attempt is on record', async () => {
      await playable(auditor, copy);
      expect((await auditor.get<RecordingAnswer>(`/api/recordings/${copy}`)).expect(200).body.releasedAt).toBeNull();
      const asked = await investigator.post('/api/access-requests', asking([original, copy]));
      expect(asked.expect(403).problem()).toMatchObject({ reason: 'not-released' });
      const opened = await investigator.post(`/api/recordings/${copy}/viewings`, { purpose: 'oversight' });
      expect(opened.expect(403).problem()).toMatchObject({ reason: 'not-released' });
      for (const action of ['access-request.submit', 'viewing.open'])
        await entryOn(auditor, copy, 'access.refused', (e) => e['action'] === action && e['reason'] === 'not-released');
      // Who reviews watches like everybody: for a purpose, under a grant that somebody else gives.
      await grant(author.http, await ask(reviewer.http, copy));
      await openViewing(reviewer.http, copy);
    }, 120_000);

    it('is reviewed by neither an author, nor whom it shows, nor who is no custodian', async () => {
      const approve = { version: 2, verdict: 'approved' };
      expect((await review(author, id, approve)).expect(403).problem()).toMatchObject({ reason: 'own-redaction' });
      expect((await review(shown, id, approve)).expect(403).problem()).toMatchObject({ reason: 'subject-of-request' });
      for (const role of ['officer', 'supervisor', 'investigator', 'auditor', 'administrator']) {
        const refused = await (await stack.signIn(role)).post(`/api/redactions/${id}/review`, approve);
        expect(refused.expect(403).problem()).toMatchObject({ reason: 'role' });
      }
      for (const reason of ['own-redaction', 'subject-of-request', 'role'])
        await entryOn(auditor, original, 'access.refused', (e) => e['action'] === 'redaction.review' && e['reason'] === reason);
    });

    it('is not released before it was approved, not approved in another version, and not rejected without a reason', async () => {
      const early = (await release(author, id)).expect(409).problem();
      expect(early).toMatchObject({ type: 'urn:custodiet:redaction-not-now', state: 'rendered' });
      expect(early.detail).toMatch(/waits for its review: .* has to approve it first/);
      const stale = (await review(reviewer, id, { version: 1, verdict: 'approved' })).expect(409).problem();
      expect(stale).toMatchObject({ type: 'urn:custodiet:plan-changed', version: 2 });
      const silent = (await review(reviewer, id, { version: 2, verdict: 'rejected' })).expect(422).problem();
      expect(silent.type).toBe('urn:custodiet:rejection-unexplained');
    });

    it('is approved once, by one of two who try at once, and released once, also by its author', async () => {
      const other = await enrol(await stack.signIn('administrator'), ['custodian']);
      const verdicts = [reviewer, other].map((who) => review(who, id, { version: 2, verdict: 'approved', note: 'looks clean' }));
      expect((await Promise.all(verdicts)).map(({ status }) => status).sort()).toEqual([200, 409]);
      expect((await release(shown, id)).expect(403).problem()).toMatchObject({ reason: 'subject-of-request' });
      expect((await save(author, id, 2)).expect(409).problem()).toMatchObject({ state: 'approved' });
      const releases = await Promise.all([release(author, id), release(reviewer, id)]);
      expect(releases.map(({ status }) => status).sort()).toEqual([200, 409]);

      const whole = await readRedaction(auditor, id);
      expect(whole).toMatchObject({ state: 'released', review: { approved: true, note: 'looks clean' } });
      expect([reviewer.id, other.id]).toContain(whole.review?.by);
      expect([author.id, reviewer.id]).toContain(whole.releasedBy);
      for (const chain of [original, copy])
        expect(await countsOn(auditor, chain)).toMatchObject({ 'redaction.reviewed': 1, 'redaction.released': 1 });
      expect((await auditor.get<RecordingAnswer>(`/api/recordings/${copy}`)).body.releasedAt).toMatch(/^\d{4}-/);
    });

    it('is then asked for, granted and watched like any other recording', async () => {
      await grant(reviewer.http, await ask(investigator, copy));
      await openViewing(investigator, copy);
    });

    it('has plan and parameters in the evidence bundle, with the hashes that are on record', async () => {
      const sealed = await entryOn(auditor, original, 'redaction.sealed', ({ result }) => result === copy);
      for (const recording of [original, copy]) {
        const files = decodeZip((await auditor.post(`/api/recordings/${recording}/evidence-bundle`)).expect(200).bytes);
        const sha256 = (name: string): string =>
          createHash('sha256')
            .update(files.get(name) ?? '')
            .digest('hex');
        expect(sha256(`redactions/${id}.v2.plan.json`)).toBe(sealed.event['planSha256']);
        expect(sha256(`redactions/${id}.v2.parameters.txt`)).toBe(sealed.event['parameters']);
        expect([...files.keys()]).not.toContain(`redactions/${id}.v1.plan.json`);
        (await auditor.post(`/api/recordings/${recording}/custody-report`)).expect(200);
      }
    }, 60_000);
  });

  it('is nothing that whom the recording shows begins, changes, helps with or gives up', async () => {
    const { id } = await draftRedaction(author.http, original, muting(0, 400));
    const proposal = { kind: 'track', box: { x: 40, y: 40, width: 48, height: 48 }, atMs: 0, untilMs: 500 };
    await playable(auditor, original);
    const proposed = (await author.http.post<{ id: string }>(`/api/recordings/${original}/redaction-proposals`, proposal)).expect(
      202,
    );
    const help = `/api/redaction-proposals/${proposed.body.id}`;
    const order = { plan: muting(0, 300), reason: 'released to the public' };
    const refusals = [
      await shown.http.post(`/api/recordings/${original}/redactions`, order),
      await shown.http.post(`/api/recordings/${original}/redactions`, { ...order, draft: true }),
      await save(shown, id, 1),
      await shown.http.post(`/api/redactions/${id}/render`, { version: 1 }),
      await shown.http.post(`/api/redactions/${id}/discard`, { reason: 'I would rather not' }),
      await shown.http.post(`/api/recordings/${original}/redaction-proposals`, proposal),
      await shown.http.get(help),
      await shown.http.post(`${help}/confirm`, { tracks: ['1'], reason: 'bystander' }),
    ];
    for (const refused of refusals) expect(refused.expect(403).problem()).toMatchObject({ reason: 'subject-of-request' });
    await entryOn(
      auditor,
      original,
      'access.refused',
      (e) => e['action'] === 'redaction.order' && e['reason'] === 'subject-of-request',
    );
    expect(await readRedaction(auditor, id)).toMatchObject({ state: 'draft', version: 1 });
  }, 60_000);

  it('cannot be gone round by a redaction of the redaction: nobody redacts a copy that was not released', async () => {
    const first = await rendered(muting(0, 450));
    const path = `/api/recordings/${first.result ?? ''}/redactions`;
    for (const draft of [true, false]) {
      const refused = await reviewer.http.post(path, { plan: muting(0, 100), reason: 'a copy of the copy', draft });
      expect(refused.expect(409).problem().type).toBe('urn:custodiet:copy-not-released');
    }
    (await review(reviewer, first.id, { version: 1, verdict: 'approved' })).expect(200);
    (await release(reviewer, first.id)).expect(200);
    await draftRedaction(reviewer.http, first.result ?? '', muting(0, 100));
  }, 120_000);

  it('lets one of two save who worked on the same version, and tells the other', async () => {
    const { id } = await draftRedaction(author.http, original, muting(0, 400));
    const both = await Promise.all([save(author, id, 1, muting(0, 500)), save(reviewer, id, 1, muting(0, 600))]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = both.find(({ status }) => status === 409)?.problem();
    expect(refused).toMatchObject({ type: 'urn:custodiet:plan-changed', version: 2 });
    expect(refused?.detail).toContain('You worked on version 1 of the plan; the newest is 2.');
    expect(await readRedaction(auditor, id)).toMatchObject({ state: 'draft', version: 2 });
    // Both wrote, or wanted to: only who did is barred from reviewing.
    expect((await readRedaction(auditor, id)).versions).toHaveLength(2);
  });

  it('of a rejected one goes on with a new version, and what was rejected stays where it is', async () => {
    const { id, result: first } = await rendered();
    const note = 'The name is heard again later.';
    expect((await review(reviewer, id, { version: 1, verdict: 'rejected', note })).expect(200).body).toMatchObject({
      state: 'rejected',
      review: { by: reviewer.id, approved: false, note },
    });
    (await release(reviewer, id)).expect(409);
    (await save(author, id, 1, muting(0, 900))).expect(200);
    const twice = await Promise.all([1, 2].map(() => author.http.post(`/api/redactions/${id}/render`, { version: 2 })));
    expect(twice.map(({ status }) => status).sort()).toEqual([202, 409]);
    const again = await settledRedaction(auditor, id);
    expect(again).toMatchObject({ state: 'rendered', version: 2 });
    expect(again.renderings.map(({ version, result }) => [version, result])).toEqual([
      [1, first],
      [2, again.result],
    ]);
    (await review(reviewer, id, { version: 2, verdict: 'approved' })).expect(200);
    (await release(reviewer, id)).expect(200);
    const released = async (copy: string | null): Promise<unknown> =>
      (await auditor.get<RecordingAnswer>(`/api/recordings/${copy ?? ''}`)).expect(200).body.releasedAt;
    expect([await released(first), await released(again.result)]).toEqual([null, expect.any(String)]);
  }, 120_000);

  it('waits for nothing that is not rendered: while the worker is away nothing can be edited, rendered twice or reviewed', async () => {
    await stack.kill('worker');
    const { id, state } = await orderRedaction(author.http, original, muting(100, 800));
    expect(state).toBe('rendering');
    for (const answer of [
      await save(author, id, 1),
      await author.http.post(`/api/redactions/${id}/render`, { version: 1 }),
      await review(reviewer, id, { version: 1, verdict: 'approved' }),
      await release(reviewer, id),
    ])
      expect(answer.expect(409).problem()).toMatchObject({ type: 'urn:custodiet:redaction-not-now', state: 'rendering' });
    const given = await author.http.post(`/api/redactions/${id}/discard`, { reason: 'the wrong recording' });
    expect(given.expect(200).body).toMatchObject({ state: 'discarded', result: null });
    (await author.http.post(`/api/redactions/${id}/discard`, { reason: 'once more' })).expect(409);
    await stack.restart('worker');
    // The next one is done after it, by the same queue: so what was given up was not.
    const next = await rendered(muting(100, 900));
    const sealed = (await chainOf(auditor, original)).filter(({ type }) => type === 'redaction.sealed');
    expect(sealed.map(({ event }) => event['redaction'])).not.toContain(id);
    expect(sealed.map(({ event }) => event['redaction'])).toContain(next.id);
    expect(await readRedaction(auditor, id)).toMatchObject({ state: 'discarded', result: null });
  }, 120_000);

  it('begins with a plan that the agency’s policy allows: other reasons and styles are named, with what is allowed', async () => {
    const policy = (await auditor.get<{ reasons: string[]; styles: string[] }>('/api/redaction-policy')).expect(200).body;
    expect(policy.reasons).toEqual(expect.arrayContaining(['juvenile', 'victim', 'plate', 'screen', 'undercover']));
    expect(policy.styles).toEqual(['solid']);
    const plan = {
      v: 1,
      regions: [{ ...boxOver(CLIP, 1500), style: 'blur' }],
      mutes: [{ fromMs: 0, toMs: 9, reason: 'boring' }],
    };
    const refused = await author.http.post(`/api/recordings/${original}/redactions`, { plan, reason: 'to the press' });
    expect(refused.expect(422).problem().faults).toEqual([
      expect.stringMatching(/^Region 1 is to be covered by blur, .* Allowed: solid\.$/),
      expect.stringMatching(/^Mute 1 gives the reason "boring"; this agency redacts for: bystander, juvenile/),
    ]);
  });

  it('lists the redactions of a recording in pages, oldest first', async () => {
    const path = `/api/recordings/${original}/redactions`;
    type Listed = { redactions: { id: string; state: string }[]; next: string | null };
    const all = (await auditor.get<Listed>(path)).expect(200).body.redactions.map(({ id }) => id);
    const paged: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: Listed = (await auditor.get<Listed>(`${path}?limit=2${next === '' ? '' : `&after=${next}`}`)).expect(200).body;
      paged.push(...page.redactions.map(({ id }) => id));
      ({ next } = page);
    }
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(3);
    for (const query of ['limit=0', 'limit=201', 'after=7', 'other=1']) (await auditor.get(`${path}?${query}`)).expect(400);
  });

  it('finds plans as they were saved: the database changes none, whoever asks', async () => {
    await asSuperuser(stack.database, async (db) => {
      for (const change of [
        "UPDATE redaction_plans SET note = 'x'",
        'DELETE FROM redaction_plans',
        'TRUNCATE redaction_plans CASCADE',
      ])
        await expect(db.query(change)).rejects.toThrow(/a plan that was saved stays as it is/);
    });
  });
});
