import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesiseMovingSquare, squareAt } from '../../libs/media/src/testing/moving-square.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient, ProblemDocument } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol } from './enrolled-people.js';
import { ask, grant, openViewing, playable } from './watching.js';

const SQUARE = { out: '', seconds: 3 } as const;
const REGION = {
  shape: 'ellipse',
  keyframes: [
    { atMs: 0, x: 20, y: 20, width: 100, height: 100 },
    { atMs: 3000, x: 200, y: 20, width: 100, height: 100 },
  ],
  reason: 'bystander',
};
const PLAN = { v: 1, regions: [REGION], mutes: [] };

interface Proposal {
  readonly id: string;
  readonly state: string;
  readonly failure: string | null;
  readonly model: string | null;
  readonly threshold: string | null;
  readonly tracks:
    | {
        id: string;
        keyframes: { atMs: number; x: number; y: number; width: number; height: number }[];
        confidence: number;
        lost: unknown;
      }[]
    | null;
}

describe('help with a redaction plan', () => {
  let stack: Stack;
  let custodian: HttpClient;
  let auditor: HttpClient;
  let viewer: HttpClient;
  let recording: string;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-preview-'));
    const out = join(folder, 'square.mp4');
    const [started] = await Promise.all([
      startStack(),
      synthesiseMovingSquare(process.env['FFMPEG_PATH'] || 'ffmpeg', { ...SQUARE, out }),
    ]);
    stack = started;
    [custodian, auditor] = await Promise.all([stack.signIn('custodian'), stack.signIn('auditor')]);
    const administrator = await stack.signIn('administrator');
    const dock = await TestDock.enrol(administrator);
    ({ recording } = await dock.upload('square.mp4', await readFile(out), { officer: '4711' }));
    await rm(folder, { recursive: true });
    await playable(auditor, recording);
    viewer = (await enrol(administrator, ['investigator'])).http;
    await grant(custodian, await ask(viewer, recording));
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  /** Of a viewer who has a grant of their own. */
  const anotherViewing = async (): Promise<{ viewing: string; granted: string; by: HttpClient }> => {
    const by = (await enrol(await stack.signIn('administrator'), ['investigator'])).http;
    const { id: granted } = await grant(custodian, await ask(by, recording));
    return { viewing: (await openViewing(by, recording)).viewing, granted, by };
  };
  const preview = async (viewing: string, body: object, by = viewer): Promise<Answer<ProblemDocument>> =>
    by.post<ProblemDocument>(`/api/viewings/${viewing}/preview`, body);

  describe('a preview', () => {
    it('shows a plan on a still and on a span, and what it showed goes on record as seen', async () => {
      const { viewing } = await openViewing(viewer, recording);
      const still = (await preview(viewing, { plan: PLAN, atMs: 1000 })).expect(200);
      expect(still.contentType).toBe('image/jpeg');
      expect(still.bytes.subarray(0, 2).toString('hex')).toBe('ffd8');
      expect(still.headers.get('cache-control')).toBe('no-store');
      const span = (await preview(viewing, { plan: PLAN, fromMs: 1500, toMs: 2500, outline: true })).expect(200);
      expect(span.contentType).toBe('video/mp4');
      expect(span.bytes.subarray(4, 8).toString('latin1')).toBe('ftyp');
      await viewer.post(`/api/viewings/${viewing}/close`);
      const closed = (await chainOf(auditor, recording)).find(
        ({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing,
      );
      expect(closed?.event).toMatchObject({
        files: 2,
        delivered: [
          { fromMs: 1000, toMs: 1034 },
          { fromMs: 1500, toMs: 2500 },
        ],
      });
    }, 60_000);

    it('needs an open viewing of one’s own', async () => {
      const { viewing } = await openViewing(viewer, recording);
      (await preview(viewing, { plan: PLAN, atMs: 0 }, custodian)).expect(403);
      await viewer.post(`/api/viewings/${viewing}/close`);
      (await preview(viewing, { plan: PLAN, atMs: 0 })).expect(403);
    }, 60_000);

    it('that is still being drawn when the viewing closes or the grant is revoked shows nothing that is not on record', async () => {
      const sent: number[] = [];
      for (const end of ['close', 'revoke', 'close']) {
        const { viewing, granted, by } = await anotherViewing();
        const span = { plan: PLAN, fromMs: 0, toMs: 2900 };
        const drawing = [1, 2, 3].map(() => preview(viewing, span, by));
        // The third is told to come back at once: by then the other two have passed the guard.
        expect((await Promise.race(drawing)).status).toBe(503);
        if (end === 'revoke')
          (await custodian.post(`/api/grants/${granted}/revoke`, { reason: 'the case was closed' })).expect(204);
        (await by.post(`/api/viewings/${viewing}/close`)).expect(200);
        const answers = await Promise.all(drawing);
        const closed = (await chainOf(auditor, recording)).find(
          ({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing,
        );
        for (const answer of answers) {
          sent.push(answer.status);
          if (answer.status === 200)
            expect(closed?.event['delivered']).toEqual(expect.arrayContaining([{ fromMs: 0, toMs: 2900 }]));
          else if (answer.status !== 503) {
            expect(answer.expect(403).problem()).toMatchObject({
              reason: expect.stringMatching(end === 'revoke' ? /viewing-closed|grant-revoked/ : /viewing-closed/),
            });
            const refused = { action: 'viewing.watch', reason: answer.problem()['reason'] };
            await entryOn(
              auditor,
              recording,
              'access.refused',
              (e) => e['action'] === refused.action && e['reason'] === refused.reason,
            );
          }
        }
      }
      expect(sent).toContain(403);
    }, 90_000);

    it('is refused for a plan or a time that does not fit, in words', async () => {
      const { viewing } = await openViewing(viewer, recording);
      for (const body of [
        { plan: PLAN },
        { plan: PLAN, atMs: -1 },
        { plan: PLAN, atMs: 0, fromMs: 0, toMs: 1 },
        { plan: PLAN, fromMs: 0, toMs: 4001 },
        { plan: PLAN, fromMs: 500, toMs: 500 },
        { plan: { v: 2 }, atMs: 0 },
        { plan: PLAN, atMs: 0, outline: 'yes' },
      ])
        (await preview(viewing, body)).expect(400);
      const late = (await preview(viewing, { plan: PLAN, atMs: 60_000 })).expect(422).body;
      expect(late.detail).toContain('beyond the end of the recording');
      const far = { ...REGION, keyframes: REGION.keyframes.map((keyframe) => ({ ...keyframe, x: 900 })) };
      (await preview(viewing, { plan: { ...PLAN, regions: [far] }, atMs: 0 })).expect(422);
    }, 60_000);

    it('asks the third to come back when two are being drawn, and serves again after', async () => {
      const { viewing } = await openViewing(viewer, recording);
      const many = await Promise.all(Array.from({ length: 8 }, () => preview(viewing, { plan: PLAN, fromMs: 0, toMs: 2900 })));
      const busy = many.filter(({ status }) => status === 503);
      expect(busy.length).toBeGreaterThan(0);
      expect(many.filter(({ status }) => status === 200).length + busy.length).toBe(8);
      expect(Number(busy[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
      (await preview(viewing, { plan: PLAN, atMs: 0 })).expect(200);
    }, 60_000);
  });

  describe('a proposal', () => {
    const order = async (body: object, by = custodian): Promise<Answer<Proposal & ProblemDocument>> =>
      by.post<Proposal & ProblemDocument>(`/api/recordings/${recording}/redaction-proposals`, body);
    const settled = async (id: string): Promise<Proposal> =>
      eventually(
        'the proposal is there',
        async () => {
          const { body } = (await custodian.get<Proposal>(`/api/redaction-proposals/${id}`)).expect(200);
          return body.state === 'running' ? undefined : body;
        },
        { withinMs: 90_000 },
      );
    const track = { kind: 'track', box: { x: 24, y: 60, width: 48, height: 48 }, atMs: 0, untilMs: 2500 } as const;

    it('follows a box that a custodian drew; what is taken over is on record, and no plan is changed', async () => {
      const { id } = (await order(track)).expect(202).body;
      const { state, failure, tracks } = await settled(id);
      expect([state, failure]).toEqual(['ready', null]);
      const [found] = tracks ?? [];
      const last = found?.keyframes.at(-1);
      const truth = squareAt(SQUARE, 2500);
      expect(last?.atMs).toBe(2500);
      expect(Math.abs((last?.x ?? 0) + (last?.width ?? 0) / 2 - truth.x - 24)).toBeLessThanOrEqual(5);
      const path = `/api/redaction-proposals/${id}/confirm`;
      const confirmed = (await custodian.post<{ regions: object[] }>(path, { tracks: ['1'], reason: 'bystander' })).expect(
        200,
      ).body;
      expect(confirmed.regions).toEqual([{ shape: 'rectangle', keyframes: found?.keyframes, reason: 'bystander' }]);
      (await custodian.post(path, { tracks: ['2'], reason: 'bystander' })).expect(422);
      (await custodian.post(path, { tracks: ['1'], reason: 'because' })).expect(422);
      const events = (await chainOf(auditor, recording))
        .filter(({ event }) => event['proposal'] === id)
        .map(({ type, event }) => ({ ...event, type }));
      expect(events).toMatchObject([
        { type: 'redaction.proposal-ordered', kind: 'track', fromMs: 0, untilMs: 2500 },
        { type: 'redaction.proposed', tracks: 1, model: 'median-flow', threshold: 'likeness 0.4' },
        { type: 'redaction.proposal-confirmed', tracks: ['1'], model: 'median-flow' },
      ]);
      expect((await custodian.get<{ redactions: object[] }>(`/api/recordings/${recording}/redactions`)).body.redactions).toEqual(
        [],
      );
    }, 120_000);

    it('looks for faces and plates, and says with what it looked', async () => {
      const { id } = (await order({ kind: 'detect', what: ['face', 'plate'], fromMs: 0, untilMs: 1000 })).expect(202).body;
      const { state, model, threshold } = await settled(id);
      expect([state, model, threshold]).toEqual(['ready', 'opencv-haar-cascades', '4 overlapping hits']);
    }, 120_000);

    it('is for custodians, and refuses what cannot be looked for', async () => {
      (await order(track, auditor)).expect(403);
      const refused = async (change: object): Promise<string> => (await order({ ...track, ...change })).expect(422).body.detail;
      expect(await refused({ box: { x: 300, y: 60, width: 48, height: 48 } })).toContain('outside the picture');
      expect(await refused({ box: { x: 30, y: 60, width: 2, height: 48 } })).toContain('cannot be followed');
      expect(await refused({ untilMs: 99_000 })).toContain('beyond the end');
      expect(await refused({ untilMs: 0 })).toContain('not after the beginning');
      (await order({ ...track, box: { ...track.box, width: 0 } })).expect(400);
      (await order({ kind: 'detect', what: ['cat'], fromMs: 0, untilMs: 500 })).expect(400);
    }, 60_000);
  });
});
