import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type {
  AccessRequestAnswer,
  CaseAnswer,
  ClosedViewingAnswer,
  DetailedRequestAnswer,
  GrantAnswer,
  RecordingAnswer,
  RecordingLockAnswer,
  ViewingAnswer,
} from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { verifyBundle, type Ended } from './command-line.js';
import { chainOf, entryOn } from './custody-chain.js';
import { disclosing, issue, propose, Recipient, settledDisclosure, type DisclosureAnswer } from './disclosing.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { asSuperuser } from './superuser.js';
import { zipped } from './unpacking.js';
import { asking, fileOf, largestOf, openViewing, playable } from './watching.js';

const BADGE = 'F-100';
const CAMERA = 'BC-4711';

/** One recording goes all the way, in the hands of five people with five roles; each test begins where the one before ended. */
describe('a recording in the hands of five people', () => {
  let stack: Stack;
  let folder: string;
  let officer: Enrolled;
  let supervisor: Enrolled;
  let investigator: Enrolled;
  let custodian: Enrolled;
  /** The same role as another's, because some decisions take two. */
  let secondCustodian: Enrolled;
  let auditor: Enrolled;
  let recording: string;
  let request: string;
  let granted: GrantAnswer;
  let disclosure: DisclosureAnswer;
  /** Every refusal that anybody met, as it has to be on record. */
  const refusals: string[] = [];

  beforeAll(async () => {
    const [started, clip] = await Promise.all([startStack(), clipBytes({ seconds: 3, width: 320, height: 180 })]);
    stack = started;
    folder = await mkdtemp(join(tmpdir(), 'custodiet-five-'));
    const administrator = await stack.signIn('administrator');
    officer = await enrol(administrator, ['officer'], BADGE);
    supervisor = await enrol(administrator, ['supervisor']);
    investigator = await enrol(administrator, ['investigator']);
    custodian = await enrol(administrator, ['custodian']);
    secondCustodian = await enrol(administrator, ['custodian']);
    auditor = await enrol(administrator, ['auditor']);
    const dock = await TestDock.enrol(administrator);
    const sealed = await dock.upload('stop.mp4', clip, { officer: BADGE, camera: CAMERA });
    expect(sealed.state).toBe('sealed');
    ({ recording } = sealed);
    await playable(auditor.http, recording);
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function refuse(who: Enrolled, action: string, reason: string, answer: Promise<Answer<unknown>>): Promise<void> {
    expect((await answer).expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason });
    refusals.push(`${who.id} ${action} ${reason}`);
  }

  const open = (by: HttpClient, purpose: string): Promise<Answer<ViewingAnswer>> =>
    by.post<ViewingAnswer>(`/api/recordings/${recording}/viewings`, { purpose });
  const approve = (by: Enrolled): Promise<Answer<AccessRequestAnswer & { grants: GrantAnswer[] }>> =>
    by.http.post(`/api/access-requests/${request}/grant`, {});

  it('comes from a dock, and is for nobody to watch yet but whom it is about, for their own report', async () => {
    expect((await stack.anonymous().get(`/api/recordings/${recording}`)).status).toBe(401);
    await refuse(investigator, 'viewing.open', 'no-grant', open(investigator.http, 'internal-investigation'));
    await refuse(supervisor, 'viewing.open', 'no-grant', open(supervisor.http, 'supervision'));
    await refuse(custodian, 'viewing.open', 'no-grant', open(custodian.http, 'public-records'));
    await refuse(auditor, 'viewing.open', 'no-grant', open(auditor.http, 'internal-investigation'));
    await refuse(officer, 'viewing.open', 'no-grant', open(officer.http, 'prosecution'));
    const own = await openViewing(officer.http, recording, 'own-report');
    (await officer.http.get(own.playlist)).expect(200);
    (await officer.http.post(`/api/viewings/${own.viewing}/close`)).expect(200);
  });

  it('is found by an investigator, and kept from the officer until a statement is made', async () => {
    const find = (by: Enrolled): Promise<Answer<{ recordings: RecordingAnswer[] }>> =>
      by.http.get(`/api/recordings?camera=${CAMERA}&recordedFrom=2026-03-14T00:00:00Z&recordedTo=2026-03-15T00:00:00Z`);
    expect((await find(investigator)).expect(200).body.recordings.map(({ id }) => id)).toEqual([recording]);
    const running = await openViewing(officer.http, recording, 'own-report');
    const { segments } = await largestOf(officer.http, running);
    const lock = { person: officer.id, reason: 'To make a statement first' };
    const path = `/api/recordings/${recording}/locks`;
    await refuse(officer, 'lock.set', 'role', officer.http.post(path, { ...lock, person: investigator.id }));
    const held = (await investigator.http.post<RecordingLockAnswer>(path, lock)).expect(201).body;
    await refuse(officer, 'viewing.watch', 'locked', officer.http.get(fileOf(running, segments[0]?.name ?? '')));
    await refuse(officer, 'viewing.open', 'locked', open(officer.http, 'own-report'));
    const asked = asking([recording], { purpose: 'own-report' });
    await refuse(officer, 'access-request.submit', 'locked', officer.http.post('/api/access-requests', asked));
    const lift = { reason: 'The statement was made' };
    await refuse(officer, 'lock.lift', 'role', officer.http.post(`/api/locks/${held.id}/lift`, lift));
    await refuse(custodian, 'lock.lift', 'role', custodian.http.post(`/api/locks/${held.id}/lift`, lift));
    (await investigator.http.post(`/api/locks/${held.id}/statement`, { statement: 'IA-2026-017, page 3' })).expect(200);
    (await investigator.http.post(`/api/locks/${held.id}/lift`, lift)).expect(200);
    (await open(officer.http, 'own-report')).expect(201);
  });

  it('is put into a sensitive case, for which a request takes two people, none of them concerned', async () => {
    const file = { number: 'IA-2026-017', title: 'The stop at the bridge', sensitivity: 'high' };
    for (const each of [officer, supervisor, auditor])
      await refuse(each, 'case.open', 'role', each.http.post('/api/cases', file));
    const opened = (await investigator.http.post<CaseAnswer>('/api/cases', file)).expect(201).body;
    (await investigator.http.post(`/api/cases/${opened.id}/recordings`, { recordings: [recording] })).expect(200, 201);
    const { recordings: _, ...asked } = asking([], { case: opened.id });
    ({ id: request } = (await investigator.http.post<AccessRequestAnswer>('/api/access-requests', asked)).expect(201).body);
    await refuse(investigator, 'access-request.decide', 'own-request', approve(investigator));
    await refuse(officer, 'access-request.decide', 'subject-of-request', approve(officer));
    await refuse(auditor, 'access-request.decide', 'role', approve(auditor));
    expect((await approve(custodian)).expect(200).body).toMatchObject({ state: 'in-review', grants: [] });
    await refuse(custodian, 'access-request.decide', 'decided-before', approve(custodian));
    await refuse(investigator, 'viewing.open', 'no-grant', open(investigator.http, 'internal-investigation'));
    const withdrawal = custodian.http.post(`/api/access-requests/${request}/withdraw`, {});
    await refuse(custodian, 'access-request.withdraw', 'not-yours', withdrawal);
    const { state, grants } = (await approve(supervisor)).expect(200).body;
    expect({ state, grants: grants.length }).toEqual({ state: 'granted', grants: 1 });
    [granted] = grants as [GrantAnswer];
    expect(granted).toMatchObject({ recording, person: investigator.id });
    const read = (await auditor.http.get<DetailedRequestAnswer>(`/api/access-requests/${request}`)).expect(200).body;
    expect(read.items[0]).toMatchObject({ sensitivity: 'high', rule: { need: 2 } });
    expect(read.items[0]?.decisions.map(({ by }) => by)).toEqual([custodian.id, supervisor.id]);
  });

  it('is watched by whom it was granted to, in one session, and what the player says is held against what was sent', async () => {
    const viewing = await openViewing(investigator.http, recording);
    const inLog = (
      await auditor.http.get<{ entries: { type: string; event: Record<string, unknown> }[] }>(
        `/api/recordings/${recording}/custody`,
      )
    ).expect(200).body.entries;
    expect(inLog.filter(({ type, event }) => type === 'viewing.opened' && event['viewing'] === viewing.viewing)).toHaveLength(1);
    const { segments } = await largestOf(investigator.http, viewing);
    const [segment] = segments;
    const first = fileOf(viewing, segment?.name ?? '');
    await refuse(supervisor, 'viewing.watch', 'not-yours', supervisor.http.get(first));
    await refuse(investigator, 'viewing.watch', 'other-session', (await investigator.signInAgain()).get(first));
    const report = (seq: number, toMs: number): Promise<Answer<unknown>> =>
      investigator.http.post(`/api/viewings/${viewing.viewing}/reports`, {
        ...{ seq, played: [{ fromMs: 0, toMs }], seeks: 0, pauses: 0, hiddenMs: 0, speedPercent: 100 },
      });
    // Nothing was sent yet that could have been played.
    (await report(1, 2000)).expect(422);
    refusals.push(`${investigator.id} viewing.report reported-not-delivered`);
    (await investigator.http.get(first)).expect(200);
    const [late, early] = [await report(7, 900), await report(2, 500)];
    expect((await report(7, 900)).expect(200).body).toEqual(late.expect(200).body);
    early.expect(200);
    (await report(7, 800)).expect(409);
    (await report(8, 600_000)).expect(422);
    refusals.push(`${investigator.id} viewing.report reported-not-delivered`);
    await refuse(
      investigator,
      'original.open',
      'grant-is-for-less',
      investigator.http.post(`/api/recordings/${recording}/originals`, { purpose: 'internal-investigation' }),
    );
    const closed = (await investigator.http.post<ClosedViewingAnswer>(`/api/viewings/${viewing.viewing}/close`)).expect(200).body;
    expect(closed.delivered).toEqual([{ fromMs: 0, toMs: Math.round(segment?.toMs ?? 0) }]);
    expect(closed.reported?.played).toEqual([{ fromMs: 0, toMs: 900 }]);
    await refuse(investigator, 'viewing.watch', 'viewing-closed', investigator.http.get(first));
    const { event } = await entryOn(auditor.http, recording, 'viewing.closed', (e) => e['viewing'] === viewing.viewing);
    expect(event).toMatchObject({ delivered: closed.delivered, closedBy: 'viewer' });
  });

  it('is watched no further once the grant is taken back, which only a custodian can', async () => {
    const viewing = await openViewing(investigator.http, recording);
    const { segments } = await largestOf(investigator.http, viewing);
    const first = fileOf(viewing, segments[0]?.name ?? '');
    (await investigator.http.get(first)).expect(200);
    const revoke = (by: Enrolled): Promise<Answer<unknown>> =>
      by.http.post(`/api/grants/${granted.id}/revoke`, { reason: 'The complaint was withdrawn' });
    for (const each of [officer, supervisor, investigator, auditor]) await refuse(each, 'grant.revoke', 'role', revoke(each));
    (await revoke(custodian)).expect(204);
    await refuse(investigator, 'viewing.watch', 'grant-revoked', investigator.http.get(first));
    await refuse(investigator, 'viewing.open', 'grant-revoked', open(investigator.http, 'internal-investigation'));
    const read = (await auditor.http.get<DetailedRequestAnswer>(`/api/access-requests/${request}`)).expect(200).body;
    expect(read.state).toBe('revoked');
  });

  it('is released to somebody outside by two custodians', async () => {
    const proposal = disclosing([recording]);
    for (const each of [officer, supervisor, investigator, auditor])
      await refuse(each, 'disclosure.propose', 'role', each.http.post('/api/disclosures', proposal));
    disclosure = await propose(custodian.http, [recording]);
    const path = `/api/disclosures/${disclosure.id}/approve`;
    await refuse(custodian, 'disclosure.decide', 'own-disclosure', custodian.http.post(path, {}));
    await refuse(supervisor, 'disclosure.decide', 'role', supervisor.http.post(path, {}));
    (await secondCustodian.http.post(path, {})).expect(200);
    disclosure = await settledDisclosure(custodian.http, disclosure.id);
    expect(disclosure.state).toBe('ready');
    await refuse(auditor, 'disclosure.issue', 'role', auditor.http.post(`/api/disclosures/${disclosure.id}/link`));
  }, 120_000);

  it('is fetched by the recipient, verified with nothing but Node, and not fetched again once it is taken back', async () => {
    const keys = await issue(custodian.http, disclosure.id);
    const stranger = new Recipient(stack.url);
    (await stranger.open({ ...keys, code: keys.code === '11111111' ? '22222222' : '11111111' })).expect(401);
    await entryOn(auditor.http, recording, 'access.refused', (e) => e['reason'] === 'wrong-code');
    const recipient = await Recipient.comeIn(stack.url, keys);
    const size = disclosure.package?.size ?? 0;
    const beyond = (await recipient.fetch(`bytes=${size}-`)).expect(416);
    expect(beyond.headers.get('content-range')).toBe(`bytes */${size}`);
    const bytes = (await recipient.fetch()).expect(200).bytes;
    const proof = (await recipient.get('/api/disclosed/proof')).expect(200).bytes;
    const { code, stdout } = await verified({ 'package.zip': bytes, 'proof.json': proof });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`VERIFIED: disclosure ${disclosure.id}`) });
    const { sha256 } = disclosure.package ?? {};
    (await recipient.send('POST', '/api/disclosed/confirm', { sha256 })).expect(200);
    const revocation = { reason: 'The case was settled' };
    const path = `/api/disclosures/${disclosure.id}/revoke`;
    await refuse(supervisor, 'disclosure.revoke', 'role', supervisor.http.post(path, revocation));
    (await custodian.http.post(path, revocation)).expect(200);
    expect((await recipient.fetch()).expect(403).problem()).toMatchObject({ reason: 'disclosure-over' });
    await entryOn(auditor.http, recording, 'access.refused', (e) => e['action'] === 'disclosure.fetch');
  }, 120_000);

  it('has all of that in its report and bundle, which auditors take out and anybody verifies', async () => {
    for (const each of [officer, supervisor, investigator]) {
      await refuse(each, 'custody-report.export', 'role', each.http.post(`/api/recordings/${recording}/custody-report`));
      await refuse(each, 'evidence-bundle.export', 'role', each.http.post(`/api/recordings/${recording}/evidence-bundle`));
      await refuse(each, 'custody.read', 'role', each.http.get(`/api/recordings/${recording}/custody`));
    }
    const report = (await auditor.http.post(`/api/recordings/${recording}/custody-report`)).expect(200).bytes;
    expect(report.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    const bundle = (await auditor.http.post(`/api/recordings/${recording}/evidence-bundle`)).expect(200).bytes;
    const path = join(folder, 'bundle.zip');
    await writeFile(path, bundle);
    expect(await verifyBundle(path, '--log-key', stack.logKey)).toMatchObject({ code: 0, stderr: '' });
    const types = new Set((await chainOf(auditor.http, recording)).map(({ type }) => type));
    for (const type of [
      ...['recording.sealed', 'recording.locked', 'recording.statement-recorded', 'recording.unlocked'],
      ...['access.requested', 'access.granted', 'viewing.opened', 'viewing.closed', 'access.revoked'],
      ...[
        'disclosure.proposed',
        'disclosure.approved',
        'disclosure.packaged',
        'disclosure.fetch-begun',
        'disclosure.fetch-ended',
      ],
      ...['disclosure.confirmed', 'disclosure.revoked', 'custody-report.exported'],
    ])
      expect(types).toContain(type);
  }, 120_000);

  it('has every refusal on record, with who was refused what and why, and no other', async () => {
    const people = [officer, supervisor, investigator, custodian, secondCustodian, auditor].map(({ id }) => id);
    const recorded = await eventually('every refusal has its place in the log', () =>
      asSuperuser(stack.database, async (database) => {
        const { rowCount } = await database.query("SELECT 1 FROM custody_pending WHERE type = 'access.refused'");
        if (rowCount !== 0) return undefined;
        const { rows } = await database.query<{ actor: string; payload: string }>(
          `SELECT e.actor, p.payload FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id
           WHERE e.type = 'access.refused' AND e.actor = ANY($1)`,
          [people],
        );
        return rows.map(({ actor, payload }) => {
          const { event } = JSON.parse(payload) as { event: { action: string; reason: string } };
          return `${actor} ${event.action} ${event.reason}`;
        });
      }),
    );
    expect(recorded.sort()).toEqual([...refusals].sort());
  });

  /** With the verifier that came in the package, in a folder with nothing else and no environment. */
  async function verified(files: { readonly 'package.zip': Buffer; readonly 'proof.json': Buffer }): Promise<Ended> {
    const cwd = await mkdtemp(join(folder, 'outside-'));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(cwd, name), bytes);
    await writeFile(join(cwd, 'custodiet-verify.mjs'), zipped(files['package.zip'], 'custodiet-verify.mjs'));
    const args = ['custodiet-verify.mjs', 'package', 'package.zip', '--proof', 'proof.json', '--log-key', stack.logKey];
    const child = spawn(process.execPath, args, { cwd, env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  }
});
