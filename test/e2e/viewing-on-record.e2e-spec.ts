import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { ClosedViewingAnswer, GrantAnswer, OriginalAnswer, ViewingAnswer } from '../support/answers.js';
import { CountingProxy } from '../support/counting-proxy.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { signIn, type Answer, type HttpClient } from '../support/http.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { chainOf, entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { asSuperuser } from './superuser.js';
import { ask, fileOf, grant, grantExport, inSeconds, largestOf, openViewing, playable, type Segment } from './watching.js';

const IDLE_SECONDS = 10;
const MIB = 2 ** 20;
const KILLS = 20;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

describe('viewing on record', () => {
  let stack: Stack;
  let proxy: CountingProxy;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodians: readonly HttpClient[];
  let dock: TestDock;
  let clip: Buffer;
  /** Of several segments, and large: its end is nothing but filling. */
  let original: Buffer;
  let recording: string;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([
      startStack({ VIEWING_IDLE_SECONDS: String(IDLE_SECONDS), VIEWING_PROGRESS_SECONDS: '1' }),
      clipBytes({ seconds: 13, width: 320, height: 180 }),
    ]);
    proxy = await CountingProxy.to(stack.url);
    [administrator, auditor] = await Promise.all([
      signIn(proxy.url, accountOf(stack.seedAccounts, 'administrator')),
      stack.signIn('auditor'),
    ]);
    custodians = [await stack.signIn('custodian'), (await enrol(administrator, ['custodian'])).http];
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    original = variantOf(clip, 24 * MIB);
    ({ recording } = await dock.upload('Über die Straße.mp4', original));
    await playable(auditor, recording);
  }, 180_000);
  afterAll(async () => {
    await proxy?.close();
    await stack?.stop();
  }, 60_000);

  /** A viewing of a new investigator's, by way of the proxy. */
  async function watching(): Promise<{ viewer: Enrolled; granted: GrantAnswer; viewing: ViewingAnswer; segments: Segment[] }> {
    const viewer = await enrol(administrator, ['investigator']);
    const granted = await grant(custodians[0] as HttpClient, await ask(viewer.http, recording));
    const viewing = await openViewing(viewer.http, recording);
    const { segments } = await largestOf(viewer.http, viewing);
    const rounded = segments.map(({ name, fromMs, toMs }) => ({ name, fromMs: Math.round(fromMs), toMs: Math.round(toMs) }));
    return { viewer, granted, viewing, segments: rounded };
  }

  async function fetched({ viewer, viewing, segments }: Awaited<ReturnType<typeof watching>>, ...which: number[]): Promise<void> {
    for (const i of which) (await viewer.http.get(fileOf(viewing, segments[i]?.name ?? ''))).expect(200);
  }

  const report = (
    seq: number,
    played: readonly Span[],
    more: Readonly<Record<string, unknown>> = {},
  ): Record<string, unknown> => ({
    ...{ seq, played, seeks: 0, pauses: 0, hiddenMs: 0, speedPercent: 100 },
    ...more,
  });
  const send = (viewer: HttpClient, { viewing }: ViewingAnswer, body: unknown): Promise<Answer<unknown>> =>
    viewer.post(`/api/viewings/${viewing}/reports`, body);
  const close = async (viewer: HttpClient, viewing: string): Promise<ClosedViewingAnswer> =>
    (await viewer.post<ClosedViewingAnswer>(`/api/viewings/${viewing}/close`)).expect(200).body;
  const closing = (viewing: string, withinMs = (IDLE_SECONDS + 30) * 1000): Promise<ClosedViewingAnswer & { closedBy: string }> =>
    eventually(
      `the service closes viewing ${viewing}`,
      async () =>
        (await chainOf(auditor, recording)).find(({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing)
          ?.event as (ClosedViewingAnswer & { closedBy: string }) | undefined,
      { withinMs, everyMs: 500 },
    );
  /** What the service is to close: looked at last, so that nobody waits for one after the other. */
  const left: { readonly viewing: string; readonly expected: (record: ClosedViewingAnswer) => void }[] = [];
  /** Begins to fetch the original and stops reading: it keeps the rest from being sent, there is more of it than connections hold. */
  async function stalling(): Promise<{
    granted: GrantAnswer;
    viewing: string;
    bytes: () => number;
    readOn: () => Promise<never>;
  }> {
    const viewer = await enrol(await stack.signIn('administrator'), ['investigator']);
    const granted = await grantExport(viewer.http, custodians, recording);
    const { file, viewing } = await openOriginal(viewer.http);
    const reader = (await viewer.http.open(file, {}, new AbortController().signal)).body?.getReader();
    let bytes = 0;
    const read = async (): Promise<void> => {
      const { value } = ((await reader?.read()) ?? {}) as { readonly value?: Uint8Array };
      if (value === undefined) throw new Error(`It ended after ${bytes} bytes.`);
      bytes += value.length;
    };
    const readOn = async (): Promise<never> => {
      for (;;) await read();
    };
    await read();
    return { granted, viewing, bytes: () => bytes, readOn };
  }
  const refusal = (answer: Answer<unknown>): unknown => answer.expect(403).problem()['reason'];
  const openOriginal = async (http: HttpClient, of = recording): Promise<OriginalAnswer> =>
    (await http.post<OriginalAnswer>(`/api/recordings/${of}/originals`, { purpose: 'internal-investigation' })).expect(201).body;
  const shape = (grantId: string, changes: string): Promise<unknown> =>
    asSuperuser(stack.database, (client) => client.query(`UPDATE grants SET ${changes} WHERE id = $1`, [grantId]));

  describe('opening', () => {
    it('tells the player what to lay over the picture, and how often to report', async () => {
      const viewer = await enrol(administrator, ['investigator'], 'B-417');
      await grant(custodians[0] as HttpClient, await ask(viewer.http, recording));
      const { overlay, viewing, heartbeatSeconds } = await openViewing(viewer.http, recording);
      expect(overlay).toEqual({
        viewer: expect.stringMatching(/^Test investigator-.* · B-417$/),
        viewing,
        agency: 'Test agency',
      });
      expect(heartbeatSeconds).toBe(3);
    });

    it('takes one of the viewings that a grant is good for, also when two want the last at the same moment', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      const { id } = await grant(custodians[0] as HttpClient, await ask(viewer.http, recording), undefined, { viewings: 3 });
      const open = (): Promise<Answer<unknown>> =>
        viewer.http.post(`/api/recordings/${recording}/viewings`, { purpose: 'internal-investigation' });
      const answers = await Promise.all(Array.from({ length: 8 }, open));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 201, 201, 403, 403, 403, 403, 403]);
      expect(refusal(await open())).toBe('grant-used-up');
      const { grants } = (await viewer.http.get<{ grants: { id: string; viewingsLeft: number }[] }>('/api/grants')).expect(
        200,
      ).body;
      expect(grants.find((each) => each.id === id)?.viewingsLeft).toBe(0);
      const opened = (await chainOf(auditor, recording)).filter(
        ({ type, event }) => type === 'viewing.opened' && event['grant'] === id,
      );
      expect(opened).toHaveLength(3);
    });

    it('is under a grant that is live for it, not under one that lasts longer and is not', async () => {
      const viewer = await enrol(administrator, ['investigator']);
      const long = await grant(custodians[0] as HttpClient, await ask(viewer.http, recording, { until: inSeconds(7200) }));
      const short = await grant(custodians[0] as HttpClient, await ask(viewer.http, recording, { until: inSeconds(3600) }));
      for (const useless of ["starts_at = now() + interval '1 hour'", "starts_at = created_at, actions = '{export}'"]) {
        await shape(long.id, useless);
        const { viewing } = await openViewing(viewer.http, recording);
        const { event } = await entryOn(auditor, recording, 'viewing.opened', (each) => each['viewing'] === viewing);
        expect(event['grant']).toBe(short.id);
      }
      const other = await grant(custodians[0] as HttpClient, await ask(viewer.http, recording, { purpose: 'training' }));
      const { viewing } = await openViewing(viewer.http, recording, 'training');
      const { event } = await entryOn(auditor, recording, 'viewing.opened', (each) => each['viewing'] === viewing);
      expect(event).toMatchObject({ grant: other.id, purpose: 'training' });
    });
  });

  describe("a player's reports", () => {
    it('go on record beside what was delivered, once each, in whatever order they come', async () => {
      const session = await watching();
      const { viewer, viewing, segments } = session;
      await fetched(session, 0, 1);
      const [first, second] = segments as [Segment, Segment];
      const early = report(0, [{ fromMs: 0, toMs: first.toMs }], { pauses: 1 });
      const late = report(7, [{ fromMs: second.fromMs, toMs: second.toMs - 1000 }], {
        seeks: 2,
        speedPercent: 200,
        hiddenMs: 500,
      });
      const answers = [];
      for (const body of [late, early, late, early]) answers.push((await send(viewer.http, viewing, body)).expect(200).body);
      expect(answers.slice(2)).toEqual(answers.slice(0, 2));
      expect(answers[0]).toEqual({ viewing: viewing.viewing, seq: 7, played: late['played'] });
      const closed = await close(viewer.http, viewing.viewing);
      expect(closed.delivered).toEqual([{ fromMs: 0, toMs: second.toMs }]);
      expect(closed.reported).toEqual({
        ...{ played: [{ fromMs: 0, toMs: second.toMs - 1000 }] },
        ...{ seeks: 2, pauses: 1, hiddenMs: 500, fastestPercent: 200 },
      });
      const { event } = await entryOn(auditor, recording, 'viewing.closed', (each) => each['viewing'] === viewing.viewing);
      expect(event).toMatchObject({ reported: closed.reported, delivered: closed.delivered });
    });

    it('count once when the same one arrives many times at the same moment', async () => {
      const session = await watching();
      await fetched(session, 0);
      const body = report(1, [{ fromMs: 0, toMs: 2000 }], { seeks: 3 });
      const answers = await Promise.all(Array.from({ length: 8 }, () => send(session.viewer.http, session.viewing, body)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      expect((await close(session.viewer.http, session.viewing.viewing)).reported?.seeks).toBe(3);
    });

    it('are refused under a number that another one has', async () => {
      const session = await watching();
      await fetched(session, 0);
      (await send(session.viewer.http, session.viewing, report(1, [{ fromMs: 0, toMs: 1000 }]))).expect(200);
      for (const other of [report(1, [{ fromMs: 0, toMs: 1001 }]), report(1, [{ fromMs: 0, toMs: 1000 }], { seeks: 1 })]) {
        const problem = (await send(session.viewer.http, session.viewing, other)).expect(409).problem();
        expect(problem).toMatchObject({ type: 'urn:custodiet:report-differs', seq: 1 });
      }
    });

    it('are refused, on record and once, when they speak of what was never sent', async () => {
      const session = await watching();
      const { viewer, viewing, segments } = session;
      await fetched(session, 0, 2);
      const [, second, third] = segments as [Segment, Segment, Segment];
      const forged = report(1, [
        { fromMs: 0, toMs: 1000 },
        { fromMs: second.fromMs + 1000, toMs: second.toMs - 1000 },
      ]);
      for (let i = 0; i < 3; i++)
        expect((await send(viewer.http, viewing, forged)).expect(422).problem().type).toBe(
          'urn:custodiet:reported-not-delivered',
        );
      for (const played of [
        { fromMs: 0, toMs: third.toMs },
        { fromMs: third.toMs + 501, toMs: third.toMs + 600 },
      ])
        (await send(viewer.http, viewing, report(2 + played.fromMs, [played]))).expect(422);
      const refusals = (await chainOf(auditor, recording)).filter(
        ({ actor, event }) => actor === viewer.id && event['reason'] === 'reported-not-delivered',
      );
      expect(refusals).toHaveLength(3);
      expect((await close(viewer.http, viewing.viewing)).reported?.played).toEqual([]);
    });

    it('are cut to what was delivered where they are off by less than half a second', async () => {
      const session = await watching();
      await fetched(session, 1);
      const [, { fromMs, toMs }] = session.segments as [Segment, Segment];
      const { body } = await send(session.viewer.http, session.viewing, report(1, [{ fromMs: fromMs - 400, toMs: toMs + 500 }]));
      expect(body).toMatchObject({ played: [{ fromMs, toMs }] });
    });

    it('are taken from nobody else, from no other session, and not after the end', async () => {
      const session = await watching();
      const { viewer, viewing } = session;
      await fetched(session, 0);
      const body = report(1, [{ fromMs: 0, toMs: 1000 }]);
      expect(refusal(await send(custodians[0] as HttpClient, viewing, body))).toBe('not-yours');
      expect(refusal(await send(await viewer.signInAgain(), viewing, body))).toBe('other-session');
      await close(viewer.http, viewing.viewing);
      expect(refusal(await send(viewer.http, viewing, body))).toBe('viewing-closed');
    });

    it('are taken as often as a player has reason to send them, and no oftener', async () => {
      const { viewer, viewing } = await watching();
      const answers: Answer<unknown>[] = [];
      for (let seq = 0; seq < 61; seq++) answers.push(await send(viewer.http, viewing, report(seq, [])));
      const slowed = answers.filter(({ status }) => status !== 200);
      expect(slowed.length).toBeLessThanOrEqual(1);
      for (const answer of slowed) {
        expect(answer.expect(429).problem().type).toBe('urn:custodiet:too-many-reports');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
    });

    it.each([
      ['a range that runs backwards', report(1, [{ fromMs: 5, toMs: 5 }])],
      ['a range with a third end', report(1, [{ fromMs: 0, toMs: 5, viaMs: 2 } as Span])],
      ['a number beyond all numbers', report(2 ** 31, [])],
      ['a negative number', report(-1, [])],
      ['times that are no whole numbers', report(1, [{ fromMs: 0.5, toMs: 1 }])],
      [
        'more ranges than anybody plays',
        report(
          1,
          Array.from({ length: 201 }, (_, i) => ({ fromMs: i * 2, toMs: i * 2 + 1 })),
        ),
      ],
      ['a day that never ended', report(1, [], { hiddenMs: 86_400_001 })],
      ['something that it does not know', report(1, [], { volume: 11 })],
    ])('are refused with %s', async (_, body) => {
      const { viewer, viewing } = await sharedViewing();
      expect((await send(viewer.http, viewing, body)).expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });
    let shared: ReturnType<typeof watching> | undefined;
    const sharedViewing = (): ReturnType<typeof watching> => (shared ??= watching());
  });

  describe('while it goes on', () => {
    it('is on record with all that was sent and reported so far, and only when there is something new', async () => {
      const session = await watching();
      const { viewer, viewing, segments } = session;
      await fetched(session, 0);
      (await send(viewer.http, viewing, report(1, [{ fromMs: 0, toMs: 2000 }]))).expect(200);
      const progress = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
        (await chainOf(auditor, recording))
          .filter(({ type, event }) => type === 'viewing.progressed' && event['viewing'] === viewing.viewing)
          .map(({ event }) => event);
      const [{ toMs }] = segments as [Segment];
      const first = await eventually('the first progress is on record', async () =>
        (await progress()).find(({ reported }) => (reported as Span[]).length > 0),
      );
      expect(first).toMatchObject({ delivered: [{ fromMs: 0, toMs }], reported: [{ fromMs: 0, toMs: 2000 }], files: 3 });
      // Signs of life without anything new, until another viewing's news is on record: this one has been looked at by then.
      const other = await watching();
      await eventually(
        'another progress is on record',
        async () => {
          await send(viewer.http, viewing, report(Date.now() % 2 ** 31, []));
          return (await chainOf(auditor, recording)).some(
            ({ type, event }) => type === 'viewing.progressed' && event['viewing'] === other.viewing.viewing,
          );
        },
        { everyMs: 1100 },
      );
      expect((await progress()).at(-1)).toEqual(first);
      await fetched(session, 2);
      await eventually('the third segment is on record', async () =>
        (await progress()).some(({ delivered }) => (delivered as Span[]).length === 2),
      );
    });

    it('is over when nobody reads any more what is sent', async () => {
      const { viewing } = await stalling();
      const expected = ({ original: spans }: ClosedViewingAnswer): void => expect(spans?.[0]?.first).toBe(0);
      left.push({ viewing, expected });
    });
  });

  describe('the original file', () => {
    let viewer: Enrolled;
    let opened: OriginalAnswer;
    beforeAll(async () => {
      viewer = await enrol(administrator, ['investigator']);
      await grantExport(viewer.http, custodians, recording);
      opened = await openOriginal(viewer.http);
    }, 60_000);

    const part = (range: string, more: Readonly<Record<string, string>> = {}): Promise<Answer<unknown>> =>
      viewer.http.get(opened.file, { range, ...more });

    /** How an answer begins; what else there is of it is left. */
    const begun = async (headers: Readonly<Record<string, string>>): Promise<{ status: number; length: string | null }> => {
      const enough = new AbortController();
      const answer = await viewer.http.open(opened.file, headers, enough.signal);
      enough.abort();
      return { status: answer.status, length: answer.headers.get('content-length') };
    };
    const whole = (): object => ({ status: 200, length: String(original.length) });

    it('is what was sealed, byte by byte, behind an entry that the log has signed', async () => {
      const sha256 = createHash('sha256').update(original).digest('hex');
      expect(opened).toMatchObject({ size: original.length, sha256, intact: true, name: 'Über die Straße.mp4' });
      const { event, index } = await entryOn(auditor, recording, 'viewing.opened', (e) => e['viewing'] === opened.viewing);
      expect(event['of']).toBe('original');
      const checkpoint = (await stack.anonymous().get('/log/checkpoint')).expect(200).text;
      expect(Number(checkpoint.split('\n')[1])).toBeGreaterThan(Number(index));
      const answer = (await viewer.http.get(opened.file)).expect(200);
      expect(createHash('sha256').update(answer.bytes).digest('hex')).toBe(sha256);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        etag: `"${sha256}"`,
        'content-disposition': 'attachment; filename="_ber die Stra_e.mp4"; filename*=UTF-8\'\'%C3%9Cber%20die%20Stra%C3%9Fe.mp4',
      });
    });

    it.each([
      ['bytes=0-0', 0, 0],
      ['bytes=100-199', 100, 199],
      ['bytes=-10', -10, -1],
      ['bytes=25000000-', 25_000_000, -1],
      ['bytes=25000005-99999999999999999999', 25_000_005, -1],
    ])('answers %s', async (range, first, last) => {
      const answer = (await part(range)).expect(206);
      const from = first < 0 ? original.length + first : first;
      const to = last < 0 ? original.length + last : last;
      expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to}/${original.length}`);
      expect(answer.headers.get('content-length')).toBe(String(to - from + 1));
      expect(answer.bytes.equals(original.subarray(from, to + 1))).toBe(true);
    });

    it('answers ranges beyond the end with what there is, and passes over what is no range', async () => {
      for (const range of [`bytes=${original.length}-`, 'bytes=-0', 'bytes=99999999999999999999-']) {
        const answer = (await part(range)).expect(416);
        expect(answer.problem()).toMatchObject({ type: 'urn:custodiet:beyond-the-end', size: original.length });
        expect(answer.headers.get('content-range')).toBe(`bytes */${original.length}`);
      }
      for (const range of ['bytes=9-1', 'bytes=0-1,5-9', 'frames=0-1']) expect(await begun({ range })).toEqual(whole());
    });

    it('answers a range for the version that is meant, and the whole file for another', async () => {
      (await part('bytes=0-9', { 'if-range': `"${opened.sha256}"` })).expect(206);
      for (const other of ['"other"', `W/"${opened.sha256}"`, 'Sat, 29 Oct 1994 19:43:31 GMT'])
        expect(await begun({ range: 'bytes=0-9', 'if-range': other })).toEqual(whole());
    });

    it('puts exactly the bytes that were fetched on record', async () => {
      const again = await openOriginal(viewer.http);
      for (const range of ['bytes=100-199', 'bytes=200-299', 'bytes=-10', 'bytes=150-160'])
        (await viewer.http.get(again.file, { range })).expect(206);
      (await viewer.http.get(again.file, { range: 'bytes=99999999999-' })).expect(416);
      const closed = await close(viewer.http, again.viewing);
      const spans = [
        { first: 100, last: 299 },
        { first: original.length - 10, last: original.length - 1 },
      ];
      expect(closed).toMatchObject({ original: spans, delivered: [], files: 4, bytes: 221, aborted: 0 });
      const { event } = await entryOn(auditor, recording, 'viewing.closed', (each) => each['viewing'] === again.viewing);
      expect(event).toMatchObject({ original: spans, closedBy: 'viewer' });
      expect(refusal(await viewer.http.get(again.file, { range: 'bytes=0-0' }))).toBe('viewing-closed');
    });

    it('is refused to whoever may only watch, also through a viewing that they have, on record', async () => {
      const session = await watching();
      const refused = await session.viewer.http.post(`/api/recordings/${recording}/originals`, {
        purpose: 'internal-investigation',
      });
      expect(refusal(refused)).toBe('grant-is-for-less');
      expect(refusal(await session.viewer.http.get(`/api/viewings/${session.viewing.viewing}/original`))).toBe(
        'grant-is-for-less',
      );
      await entryOn(
        auditor,
        recording,
        'access.refused',
        (e) => e['action'] === 'original.fetch' && e['reason'] === 'grant-is-for-less',
      );
      const stranger = await enrol(administrator, ['investigator']);
      expect(refusal(await stranger.http.post(`/api/recordings/${recording}/originals`, { purpose: 'oversight' }))).toBe(
        'no-grant',
      );
      expect(refusal(await stranger.http.get(opened.file))).toBe('not-yours');
    });

    it('asked for its head only, like any file, is no file that was sent', async () => {
      const again = await openOriginal(viewer.http);
      for (const path of [again.file, again.file.replace(/original$/, 'files/poster.jpg')])
        (await viewer.http.send('HEAD', path)).expect(405);
      expect(await close(viewer.http, again.viewing)).toMatchObject({ files: 0, bytes: 0, original: [] });
    });

    it('is not in a viewing of the playback copy, nor the copy in a viewing of the original', async () => {
      const { viewing } = await openViewing(viewer.http, recording);
      (await viewer.http.get(`/api/viewings/${viewing}/original`)).expect(404).problem();
      (await viewer.http.get(`/api/viewings/${opened.viewing}/files/playlist.m3u8`)).expect(404).problem();
    });

    it('of a file that no player can decode is there all the same', async () => {
      const damaged = Buffer.from(clip);
      damaged.fill(0x55, 200, damaged.indexOf('moov', 0, 'latin1') - 8);
      const sent = await dock.upload('damaged.mp4', variantOf(damaged));
      expect(sent.state).toBe('sealed');
      const other = await enrol(administrator, ['investigator']);
      await grantExport(other.http, custodians, sent.recording);
      const { file, sha256 } = await openOriginal(other.http, sent.recording);
      expect(
        createHash('sha256')
          .update((await other.http.get(file)).expect(200).bytes)
          .digest('hex'),
      ).toBe(sha256);
    });
  });

  describe('without a right to go on', () => {
    it('shows nothing more, and takes no more reports, once its grant is taken back', async () => {
      const session = await watching();
      const { viewer, granted, viewing, segments } = session;
      await fetched(session, 0);
      (await (custodians[0] as HttpClient).post(`/api/grants/${granted.id}/revoke`, { reason: 'the case was closed' })).expect(
        204,
      );
      expect(refusal(await viewer.http.get(fileOf(viewing, segments[1]?.name ?? '')))).toBe('grant-revoked');
      expect(refusal(await send(viewer.http, viewing, report(1, [{ fromMs: 0, toMs: 1000 }])))).toBe('grant-revoked');
      const expected = ({ delivered }: ClosedViewingAnswer): void =>
        expect(delivered).toEqual([{ fromMs: 0, toMs: segments[0]?.toMs }]);
      left.push({ viewing: viewing.viewing, expected });
    });

    it('is cut off in the middle of the original', async () => {
      const { granted, viewing, bytes, readOn } = await stalling();
      (await (custodians[0] as HttpClient).post(`/api/grants/${granted.id}/revoke`, { reason: 'a mistake' })).expect(204);
      await entryOn(
        auditor,
        recording,
        'access.refused',
        (e) => e['action'] === 'original.fetch' && e['reason'] === 'grant-revoked',
      );
      await expect(readOn()).rejects.toThrow();
      expect(bytes()).toBeLessThan(original.length);
      const expected = ({ original: spans }: ClosedViewingAnswer): void => {
        expect(spans).toEqual([{ first: 0, last: expect.any(Number) }]);
        expect(spans?.[0]?.last).toBeGreaterThanOrEqual(bytes() - 1);
        expect(spans?.[0]?.last).toBeLessThan(original.length - 1);
      };
      left.push({ viewing, expected });
    }, 30_000);

    it('ends by itself, soon, with what was delivered until then', async () => {
      expect(left).not.toEqual([]);
      for (const { viewing, expected } of left) {
        const record = await closing(viewing);
        expect(record.closedBy).toBe('service');
        expected(record);
      }
    }, 60_000);
  });

  describe('killed at random points', () => {
    /** What one viewer does: which segments, whether the answer is cut, and after which share of it. */
    const walk = fc.record({
      fetches: fc.array(
        fc.record({ segment: fc.nat(3), cutAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 2 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      original: fc.record({ first: fc.nat(20 * MIB), length: fc.integer({ min: 1, max: 4 * MIB }), cutAt: fc.nat(2 * MIB) }),
      closes: fc.boolean(),
    });

    it('reports every range that was delivered, and none that was not asked for', async () => {
      const seed = Number(process.env['CUSTODIET_KILL_SEED'] ?? Date.now() % 2 ** 31);
      const walks = fc.sample(walk, { seed, numRuns: KILLS });
      const viewer = await enrol(administrator, ['investigator']);
      await grantExport(viewer.http, custodians, recording);
      const sizes = new Map<string, number>();
      const open = async (): Promise<{ playback: ViewingAnswer; of: OriginalAnswer }> => ({
        playback: await openViewing(viewer.http, recording),
        of: await openOriginal(viewer.http),
      });
      const opened = await Promise.all(walks.map(open));
      const { segments } = await largestOf(viewer.http, (opened[0] as { playback: ViewingAnswer }).playback);
      for (const { name } of segments) {
        const whole = await viewer.http.get(fileOf((opened[0] as { playback: ViewingAnswer }).playback, name));
        sizes.set(name, whole.expect(200).bytes.length);
      }
      const gone = (): undefined => undefined;
      const live = async (
        { fetches, original: range }: (typeof walks)[number],
        { playback, of }: (typeof opened)[number],
      ): Promise<void> => {
        for (const { segment, cutAt } of fetches) {
          const path = fileOf(playback, segments[segment % segments.length]?.name ?? '');
          if (cutAt !== null) proxy.cutNext(new RegExp(path), Math.floor(cutAt * (sizes.get(path.split('/').at(-1) ?? '') ?? 0)));
          await viewer.http.get(path).catch(gone);
        }
        proxy.cutNext(new RegExp(of.file), range.cutAt);
        await viewer.http.get(of.file, { range: `bytes=${range.first}-${range.first + range.length - 1}` }).catch(gone);
      };
      // Half of them live through the death of the process that serves them, at whatever moment.
      const half = KILLS / 2;
      await Promise.all(walks.slice(0, half).map((each, i) => live(each, opened[i] as (typeof opened)[number])));
      const rest = walks.slice(half).map((each, i) => live(each, opened[half + i] as (typeof opened)[number]));
      await eventually(
        'something is under way',
        () => proxy.through(new RegExp(opened[half]?.playback.viewing ?? '')).length > 0,
        {
          everyMs: 1,
        },
      );
      await stack.kill('api');
      await Promise.all(rest);
      await stack.restart('api');
      for (const [i, { closes }] of walks.entries())
        if (closes) for (const { viewing } of Object.values(opened[i] ?? {})) await close(viewer.http, viewing);

      for (const { playback, of } of opened) {
        const said = `seed ${seed}, viewing ${playback.viewing}`;
        const record = await closing(playback.viewing);
        const files = proxy.through(new RegExp(`/viewings/${playback.viewing}/files/.*m4s$`));
        const spanOf = ({ path }: { readonly path: string }): Segment | undefined =>
          segments.find(({ name }) => path.endsWith(`/${name}`));
        const within = (spans: readonly Span[], segment: Segment | undefined): boolean =>
          segment === undefined || // the beginning of the track, which shows nothing
          spans.some(({ fromMs, toMs }) => fromMs <= Math.round(segment.fromMs) && Math.round(segment.toMs) <= toMs);
        const missing = files.filter((file) => file.status === 200 && file.bytes > 0 && !within(record.delivered, spanOf(file)));
        expect({ said, missing }).toEqual({ said, missing: [] });
        const unasked = segments.filter(
          ({ name, fromMs, toMs }) =>
            within(record.delivered, { name, fromMs, toMs }) && !files.some(({ path }) => path.endsWith(`/${name}`)),
        );
        expect({ said, unasked }).toEqual({ said, unasked: [] });
        const all = proxy
          .through(new RegExp(playback.viewing))
          .filter(({ method, status }) => method === 'GET' && status === 200);
        expect(record.bytes).toBeGreaterThanOrEqual(all.reduce((sum, { bytes }) => sum + bytes, 0));

        const originals = (await closing(of.viewing)).original ?? [];
        for (const { range = '', status, bytes } of proxy.through(new RegExp(`/viewings/${of.viewing}/original`))) {
          const [, first = 0, last = 0] = (/(\d+)-(\d+)/.exec(range) ?? []).map(Number);
          const holds = (to: number): boolean => originals.some((span) => span.first <= first && to <= span.last);
          if (status === 206 && bytes > 0) expect({ said, holds: holds(first + bytes - 1) }).toEqual({ said, holds: true });
          for (const span of originals) expect(span.first >= first && span.last <= last).toBe(true);
        }
      }
    }, 120_000);
  });
});
