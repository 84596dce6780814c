import { createHash, createHmac, randomUUID } from 'node:crypto';
import { openCheckpoint, parseVerifier } from '#tlog';
import type { GrantAnswer, NoticeAnswer, SamplingAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { asSuperuser } from './superuser.js';
import { openViewing, playable } from './watching.js';

const BADGE = 'B-400';
const MARCH = { recordedFrom: '2026-03-01T00:00:00Z', recordedTo: '2026-04-01T00:00:00Z' };
const APRIL = { recordedFrom: '2026-04-01T00:00:00Z', recordedTo: '2026-05-01T00:00:00Z' };

/** The recipe of libs/access/README.md by somebody who has only that: nothing of the product draws here. */
function drawAgain(root: Uint8Array, { id, recordings }: Pick<SamplingAnswer, 'id' | 'recordings'>, count: number): string[] {
  const seed = createHash('sha256')
    .update(Buffer.concat([root, Buffer.from(id)]))
    .digest();
  const list = [...recordings];
  let counter = 0n;
  for (let i = 0; i < count; i++) {
    const n = BigInt(list.length - i);
    let value: bigint;
    do {
      const block = createHmac('sha256', seed)
        .update(Buffer.from(counter.toString(16).padStart(16, '0'), 'hex'))
        .digest('hex');
      counter += 1n;
      value = BigInt(`0x${block.slice(0, 16)}`);
    } while (value >= 2n ** 64n - (2n ** 64n % n));
    const j = i + Number(value % n);
    const drawn = list.splice(j, 1, list[i] ?? '')[0] ?? '';
    list[i] = drawn;
  }
  return list.slice(0, count);
}

describe('access without anybody being asked', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let custodian: HttpClient;
  let administrator: HttpClient;
  let supervisor: Enrolled;
  let officer: Enrolled;
  let dock: TestDock;
  let clip: Buffer;
  let recordings: string[];
  /** Of another month, from which fewer lots were drawn. */
  let later: string[];
  /** The officer's own. */
  let own: string;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack(), clipBytes({ seconds: 1 })]);
    [administrator, auditor, custodian] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('auditor'),
      stack.signIn('custodian'),
    ]);
    supervisor = await enrol(administrator, ['supervisor']);
    officer = await enrol(administrator, ['officer'], BADGE);
    dock = await TestDock.enrol(administrator);
    const upload = async (i: number, stated: Parameters<TestDock['upload']>[2] = {}): Promise<string> =>
      (await dock.upload(`patrol-${i}.mp4`, variantOf(clip), { officer: i === 0 ? BADGE : `B-50${i}`, ...stated })).recording;
    recordings = await Promise.all(Array.from({ length: 8 }, (_, i) => upload(i)));
    const april = { officer: 'B-600', recordedAt: '2026-04-14T09:26:53.000Z' };
    later = await Promise.all(Array.from({ length: 8 }, (_, i) => upload(i, april)));
    own = recordings[0] ?? '';
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  function expectRefused(answer: Answer<unknown>, reason: string): void {
    expect(answer.expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason });
  }
  const commit = (draw: number, changes: object = {}): Promise<Answer<SamplingAnswer>> =>
    supervisor.http.post<SamplingAnswer>('/api/samplings', { purpose: 'supervision', filter: { ...MARCH, ...changes }, draw });
  const read = async (id: string): Promise<SamplingAnswer> =>
    (await auditor.get<SamplingAnswer>(`/api/samplings/${id}`)).expect(200).body;
  const drawn = async (draw: number): Promise<SamplingAnswer> => {
    const { id } = (await commit(draw, APRIL)).expect(201).body;
    return eventually('the lot is drawn', async () => {
      const sampling = await read(id);
      return sampling.state === 'drawn' && sampling;
    });
  };

  describe('a sampling', () => {
    it('fixes its list on record, and draws from a checkpoint signed after that, so that anybody can draw it again', async () => {
      const committed = (await commit(2)).expect(201).body;
      expect(committed).toMatchObject({ state: 'committed', population: 8, byChance: true });
      const list = [...recordings].sort();
      const digest = (ids: readonly string[]): string =>
        createHash('sha256')
          .update(ids.map((id) => `${id}\n`).join(''))
          .digest('hex');
      expect(committed.populationSha256).toBe(digest(list));
      const sampling = await eventually('the lot is drawn', async () => {
        const found = await read(committed.id);
        return found.state === 'drawn' && found;
      });
      expect(sampling.recordings).toEqual(list);
      const { size, root } = openCheckpoint(sampling.checkpoint ?? '', [parseVerifier(stack.logKey)]);
      expect(size.toString()).toBe(sampling.checkpointSize);
      expect(sampling.drawn).toEqual(drawAgain(root, sampling, 2));
      const entries = await eventually('both entries have their place', () =>
        asSuperuser(stack.database, async (client) => {
          type Row = { index: string; type: string; id: string; sha256: string };
          const { rows } = await client.query<Row>(
            `SELECT index::text, type, id, convert_from(header, 'UTF8')::jsonb ->> 'sha256' AS sha256 FROM custody_entries WHERE subject = $1
           ORDER BY seq`,
            [sampling.id],
          );
          return rows.length > 1 && rows;
        }),
      );
      expect(entries).toMatchObject([
        { type: 'sampling.committed', id: sampling.entry, sha256: digest(list) },
        { type: 'sampling.drawn', sha256: digest(sampling.drawn ?? []) },
      ]);
      expect(BigInt(entries[0]?.index ?? 0)).toBeLessThan(size);
      const { notices } = (await supervisor.http.get<{ notices: NoticeAnswer[] }>('/api/notices')).expect(200).body;
      expect(notices).toContainEqual(expect.objectContaining({ kind: 'sampling-drawn', about: sampling.id }));
    });

    it('is refused where there is nothing, or less than is to be drawn', async () => {
      const empty = await commit(1, { recordedTo: '2026-03-02T00:00:00Z' });
      expect(empty.expect(422).problem().type).toBe('urn:custodiet:nothing-to-draw');
      expect((await commit(1, { category: 'none of that' })).expect(422).problem().type).toBe('urn:custodiet:nothing-to-draw');
      expect((await commit(9)).expect(422).problem()).toMatchObject({
        type: 'urn:custodiet:draw-too-large',
        population: 8,
        draw: 9,
      });
      const unknown = await commit(1, { officers: [randomUUID()] });
      expect(unknown.expect(422).problem().type).toBe('urn:custodiet:person-unknown');
    });

    it('draws nothing from a list that was changed after it was put on record, and goes on with others', async () => {
      await stack.worker.stop();
      const [changed, sound] = [(await commit(1)).expect(201).body.id, (await commit(1)).expect(201).body.id];
      await asSuperuser(stack.database, (client) =>
        client.query('DELETE FROM sampling_recordings WHERE sampling_id = $1 AND recording_id = $2', [changed, own]),
      );
      await stack.restart('worker');
      await eventually('the other lot is drawn', async () => (await read(sound)).state === 'drawn');
      expect(await read(changed)).toMatchObject({ state: 'committed', drawn: null });
    }, 60_000);

    it.each([
      ['no end of time', { recordedTo: undefined }],
      ['an end before its beginning', { recordedTo: '2026-02-01T00:00:00Z' }],
      ['officers that are none', { officers: [] }],
      ['what is not known', { camera: 'X' }],
    ])('is refused with %s', async (_, changes) => {
      expect((await commit(1, changes)).expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });

    it('is refused for a purpose that is not in the agencys list', async () => {
      const body = { purpose: 'curiosity', filter: MARCH, draw: 1 };
      (await supervisor.http.post('/api/samplings', body)).expect(400).problem();
    });

    it('is drawn whatever a dock said of a cameras clock', async () => {
      await dock.upload('nonsense.mp4', variantOf(clip), { clockOffsetMs: Number.MAX_SAFE_INTEGER });
      expect((await commit(1)).expect(201).body.population).toBe(8);
    });

    it('draws from the recordings of the officers that are named, and is listed newest first', async () => {
      const { id, population } = (await commit(1, { officers: [officer.id] })).expect(201).body;
      expect(population).toBe(1);
      expect((await read(id)).recordings).toEqual([own]);
      const { samplings } = (await auditor.get<{ samplings: SamplingAnswer[] }>('/api/samplings?limit=1')).expect(200).body;
      expect(samplings.map((each) => each.id)).toEqual([id]);
    });
  });

  describe('by a standing rule of the policy', () => {
    it('is a supervisors review of what the lot fell on, under a grant that is on record, and of nothing else', async () => {
      const lot = await drawn(2);
      const [first = ''] = lot.drawn ?? [];
      await playable(auditor, first);
      await openViewing(supervisor.http, first, 'supervision');
      const { event, actor } = await entryOn(auditor, first, 'access.granted', ({ person }) => person === supervisor.id);
      expect(event).toMatchObject({ basis: 'standing:sampled-for-supervision', request: '' });
      expect(actor).toBe(supervisor.id);
      await entryOn(auditor, first, 'viewing.opened', ({ grant }) => grant === event['grant']);
      const other = await supervisor.http.post(`/api/recordings/${first}/viewings`, { purpose: 'training' });
      expect(other.expect(422).problem()).toMatchObject({ type: 'urn:custodiet:purpose-differs', granted: 'supervision' });
    });

    it('is no review of what was as good as chosen', async () => {
      const { byChance, drawn: all } = await drawn(8);
      expect([byChance, all?.length]).toEqual([false, 8]);
      const { samplings } = (await auditor.get<{ samplings: SamplingAnswer[] }>('/api/samplings')).expect(200).body;
      const lots = await Promise.all(samplings.filter((each) => each.byChance).map(({ id }) => read(id)));
      const never = later.find((id) => !lots.some((lot) => lot.drawn?.includes(id)));
      expectRefused(
        await supervisor.http.post(`/api/recordings/${never ?? ''}/viewings`, { purpose: 'supervision' }),
        'no-grant',
      );
    });

    it('is no review of what came up because lots were drawn until it did', async () => {
      const { samplings } = (await auditor.get<{ samplings: SamplingAnswer[] }>('/api/samplings')).expect(200).body;
      const before = await Promise.all(samplings.filter((each) => each.byChance).map(({ id }) => read(id)));
      const known = new Set(before.flatMap((lot) => lot.drawn ?? []));
      const fresh = await eventually(
        'another lot falls on another recording',
        async () => (await drawn(2)).drawn?.find((id) => !known.has(id)),
        { withinMs: 60_000 },
      );
      await playable(auditor, fresh);
      expectRefused(await supervisor.http.post(`/api/recordings/${fresh}/viewings`, { purpose: 'supervision' }), 'no-grant');
    }, 90_000);

    it('does not come back by another rule once a person has taken it back', async () => {
      const both = await enrol(administrator, ['supervisor', 'auditor']);
      const [first = ''] = later;
      await playable(auditor, first);
      await openViewing(both.http, first, 'oversight');
      const { grants } = (await auditor.get<{ grants: GrantAnswer[] }>('/api/grants')).expect(200).body;
      const given = grants.find(({ person, recording }) => person === both.id && recording === first);
      (await custodian.post(`/api/grants/${given?.id ?? ''}/revoke`, { reason: 'No such check was ordered' })).expect(204);
      // As it stands when the lot falls on it too, at some other time.
      await asSuperuser(stack.database, (client) =>
        client.query("UPDATE grants SET basis = 'standing:another', purpose = 'supervision' WHERE id = $1", [given?.id]),
      );
      expectRefused(await both.http.post(`/api/recordings/${first}/viewings`, { purpose: 'oversight' }), 'grant-revoked');
    });

    it('is an officers own recording, for the purpose of the rule, and nobody elses', async () => {
      await playable(auditor, own);
      expectRefused(await officer.http.post(`/api/recordings/${own}/viewings`, { purpose: 'training' }), 'no-grant');
      expectRefused(
        await officer.http.post(`/api/recordings/${recordings[1] ?? ''}/viewings`, { purpose: 'own-report' }),
        'no-grant',
      );
      // At the same moment: one makes the grant, the others find it.
      await Promise.all([1, 2, 3].map(() => openViewing(officer.http, own, 'own-report')));
      const { grants } = (await officer.http.get<{ grants: (GrantAnswer & { basis: string })[] }>('/api/grants')).expect(
        200,
      ).body;
      expect(grants).toMatchObject([{ recording: own, basis: 'standing:own-recordings' }]);
      const granted = (await chainOf(auditor, own)).filter(
        ({ type, actor }) => type === 'access.granted' && actor === officer.id,
      );
      expect(granted).toHaveLength(1);
    });

    it('does not come back by itself once a person has taken it back', async () => {
      const { grants } = (await officer.http.get<{ grants: GrantAnswer[] }>('/api/grants')).expect(200).body;
      (await custodian.post(`/api/grants/${grants[0]?.id ?? ''}/revoke`, { reason: 'Under investigation' })).expect(204);
      expectRefused(await officer.http.post(`/api/recordings/${own}/viewings`, { purpose: 'own-report' }), 'grant-revoked');
      const again = await enrol(administrator, ['officer'], null, officer.id);
      expectRefused(await again.http.post(`/api/recordings/${own}/viewings`, { purpose: 'own-report' }), 'no-grant');
    });

    it('is an auditors check, but not of footage of their own conduct', async () => {
      await openViewing(auditor, own, 'oversight');
      const shown = await enrol(administrator, ['auditor'], null, officer.id);
      expectRefused(await shown.http.post(`/api/recordings/${own}/viewings`, { purpose: 'oversight' }), 'no-grant');
    });

    it('is not ones own for saying so in the register of cameras', async () => {
      const both = await enrol(administrator, ['officer', 'supervisor']);
      const camera = { serial: 'TEST-CAMERA-1' };
      const { id } = (await administrator.post<{ id: string }>('/api/cameras', camera)).expect(201).body;
      const span = { person: both.id, from: '2026-03-14T00:00:00Z', until: '2026-03-15T00:00:00Z' };
      (await both.http.post(`/api/cameras/${id}/assignments`, span)).expect(201);
      const another = recordings[1] ?? '';
      await playable(auditor, another);
      expectRefused(await both.http.post(`/api/recordings/${another}/viewings`, { purpose: 'own-report' }), 'no-grant');
    });

    it('holds against no lock', async () => {
      const investigator = (await enrol(administrator, ['investigator'])).http;
      const other = await enrol(administrator, ['auditor']);
      const body = { person: other.id, reason: 'Named in the complaint' };
      (await investigator.post(`/api/recordings/${own}/locks`, body)).expect(201);
      expectRefused(await other.http.post(`/api/recordings/${own}/viewings`, { purpose: 'oversight' }), 'locked');
      await entryOn(auditor, own, 'access.refused', ({ reason }) => reason === 'locked');
    });
  });
});
