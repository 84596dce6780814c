import { randomUUID } from 'node:crypto';
import { signManifest } from '#tlog';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { digestOf, TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { HttpClient } from '../support/http.js';
import type { ProductProcess } from '../support/product-process.js';
import { startSecondApi } from '../support/second-api.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { countsOn, entryOn } from './custody-chain.js';
import { expectSealedOnce } from './sealed-once.js';
import { asSuperuser } from './superuser.js';

const MIB = 2 ** 20;
const YEAR_MS = 365 * 86_400_000;

describe('docking with bad input', () => {
  let stack: Stack;
  let second: ProductProcess;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let otherDock: TestDock;
  let clip: Buffer;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5' }), clipBytes({ seconds: 1 })]);
    second = await startSecondApi(stack);
    administrator = await stack.signIn('administrator');
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(administrator);
    otherDock = await TestDock.enrol(administrator);
  }, 180_000);
  afterAll(async () => {
    await second?.stop();
    await stack?.stop();
  }, 60_000);

  async function announceOne(bytes: Uint8Array, by = dock): Promise<UploadAnswer> {
    const [file] = (await by.announce(by.manifestOf([by.describe('clip.mp4', bytes)]))).expect(200).body.files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    return file;
  }

  async function sealedOnce(recording: string, bytes: Uint8Array): Promise<void> {
    expect((await dock.settled(recording)).state).toBe('sealed');
    await expectSealedOnce(stack, auditor, { recording, bytes, receipt: (await dock.receipt(recording)).expect(200).text });
  }

  /** What no route counts. */
  async function count(query: string, ...values: string[]): Promise<number> {
    return asSuperuser(stack.database, async (db) => (await db.query<{ n: number }>(query, values)).rows[0]?.n ?? 0);
  }

  describe('a manifest', () => {
    it('is refused, on record, when another dock replays it, and the upload it announced goes on', async () => {
      const bytes = variantOf(clip);
      const note = dock.manifestOf([dock.describe('mine.mp4', bytes)]);
      const [file] = (await dock.announce(note)).expect(200).body.files;
      const { recording = '' } = file ?? {};
      expect((await otherDock.announce(note)).expect(422).problem().type).toBe('urn:custodiet:manifest-refused');
      const refused = "SELECT count(*)::int AS n FROM custody_entries WHERE subject = $1 AND type = 'manifest.refused'";
      await eventually("the refusal is on the other dock's chain", async () => (await count(refused, otherDock.id)) === 1);
      (await otherDock.status(recording)).expect(403);
      (await dock.putPart(recording, 1, bytes)).expect(204);
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
    });

    it('announces nothing when one bit of it is changed, wherever that is, accepted before or not', async () => {
      const all = 'SELECT count(*)::int AS n FROM recordings';
      for (const accepted of [true, false]) {
        const note = dock.manifestOf([dock.describe('one.mp4', variantOf(clip))]);
        if (accepted) (await dock.announce(note)).expect(200);
        const before = await count(all);
        for (let at = 0; at < note.length; at += 31) {
          const altered = Buffer.from(note);
          altered[at]! ^= 1;
          (await dock.announce(altered.toString('latin1'))).expect(400, 409, 422).problem();
        }
        expect(await count(all)).toBe(before);
      }
    });

    it('is accepted from a dock and a camera whose clocks are a year off, and that is on record', async () => {
      const bytes = variantOf(clip);
      const stated = { recordedAt: new Date(Date.now() + YEAR_MS).toISOString(), clockOffsetMs: YEAR_MS };
      const createdAt = new Date(Date.now() - YEAR_MS).toISOString();
      const id = randomUUID();
      const note = signManifest({ id, dock: dock.id, createdAt, files: [dock.describe('off.mp4', bytes, stated)] }, dock.signer);
      const [file] = (await dock.announce(note)).expect(200).body.files;
      const { recording = '' } = file ?? {};
      (await dock.putPart(recording, 1, bytes)).expect(204);
      (await dock.complete(recording)).expect(202);
      await sealedOnce(recording, bytes);
      const { event, at } = await entryOn(auditor, recording, 'recording.announced');
      expect(event).toMatchObject(stated);
      expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(120_000);
      const kept = await asSuperuser(stack.database, (db) =>
        db.query<{ note: string }>('SELECT note FROM manifests WHERE id = $1', [id]),
      );
      expect(kept.rows[0]?.note).toBe(note);
    });

    it('is accepted once the dock whose clock is a year off has learned the time from the refusal', async () => {
      let offMs = -YEAR_MS;
      const issuedAt = (): number => Math.floor((Date.now() + offMs) / 1000);
      const late = new HttpClient(stack.url, async () => `Bearer ${await dock.token({ issuedAt: issuedAt() })}`);
      const { recording } = await announceOne(variantOf(clip));
      const { serverTime } = (await late.get(`/api/docking/recordings/${recording}`)).expect(401).problem();
      offMs += Date.parse(String(serverTime)) - (Date.now() + offMs);
      (await late.get(`/api/docking/recordings/${recording}`)).expect(200);
    });

    it('goes to exactly one of two docks that announce the same file to two processes at the same moment', async () => {
      for (let round = 0; round < 6; round++) {
        const bytes = variantOf(clip);
        const answers = await Promise.all(
          [dock, otherDock.at(second.url)].map((each) => each.announce(each.manifestOf([each.describe('race.mp4', bytes)]))),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
        const { recording } = answers.find(({ status }) => status === 200)!.body.files[0]!;
        const { type, recordings } = answers.find(({ status }) => status === 409)!.problem();
        expect({ type, recordings }).toEqual({ type: 'urn:custodiet:duplicate-recording', recordings: [recording] });
      }
    });
  });

  it('a dock that is revoked in the middle of its upload gets no further, at any process', async () => {
    const bytes = variantOf(clip, 11 * MIB);
    const lost = await TestDock.enrol(administrator);
    const note = lost.manifestOf([lost.describe('lost.mp4', bytes)]);
    const [file] = (await lost.announce(note)).expect(200).body.files;
    const { recording = '', partSize = 0 } = file ?? {};
    const part = (n: number): Buffer => bytes.subarray((n - 1) * partSize, n * partSize);
    (await lost.putPart(recording, 1, part(1))).expect(204);
    (await administrator.post(`/api/docks/${lost.id}/revoke`, { reason: 'stolen from the station' })).expect(204);
    for (const each of [lost, lost.at(second.url)]) {
      const answers = [
        await each.putPart(recording, 2, part(2)),
        await each.announce(note),
        await each.announce(each.manifestOf([each.describe('other.mp4', variantOf(clip))])),
        await each.complete(recording),
        await each.status(recording),
        await each.receipt(recording),
      ];
      for (const answer of answers) expect(answer.expect(401).problem().detail).toMatch(/revoked/);
    }
    const { state, name } = (await auditor.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body;
    expect({ state, name }).toEqual({ state: 'receiving', name: 'lost.mp4' });
    expect(await count('SELECT count(*)::int AS n FROM upload_parts WHERE recording_id = $1', recording)).toBe(1);

    // The card is put into another station, which must not wait until the first one's upload expires.
    const { recording: mine, state: sealed } = await otherDock.upload('found-again.mp4', bytes);
    expect(sealed).toBe('sealed');
    const given = (await auditor.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body;
    expect(given).toMatchObject({ state: 'expired', reason: expect.stringContaining('revoked') });
    expect((await entryOn(auditor, recording, 'upload.superseded')).event).toMatchObject({ dock: otherDock.id });
    expect(await countsOn(auditor, mine)).toMatchObject({ 'recording.announced': 1, 'recording.sealed': 1 });
  });

  describe('parts sent to two processes at once', () => {
    const ROUNDS = 10;

    it('with different bytes: one is kept, the other refused, and what is sealed or not is what was kept', async () => {
      const settled = await Promise.all(
        Array.from({ length: ROUNDS }, async (_, round) => {
          const bytes = variantOf(clip, 2 * MIB);
          const other = Buffer.from(bytes);
          other[round]! ^= 1;
          const { recording } = await announceOne(bytes);
          const [first, next] = round % 2 === 0 ? [bytes, other] : [other, bytes];
          const answers = await Promise.all([dock.putPart(recording, 1, first), dock.at(second.url).putPart(recording, 1, next)]);
          expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
          expect(answers.find(({ status }) => status === 409)?.problem().type).toBe('urn:custodiet:part-conflict');
          const kept = answers[0].status === 204 ? first : next;
          (await dock.complete(recording)).expect(202);
          const { state } = await dock.settled(recording);
          expect(state).toBe(kept === bytes ? 'sealed' : 'quarantined');
          return state;
        }),
      );
      expect(settled).toHaveLength(ROUNDS);
    }, 120_000);

    it('with the same bytes: all are confirmed, and the recording is sealed once', async () => {
      const bytes = variantOf(clip, 6 * MIB);
      const { recording, partSize } = await announceOne(bytes);
      const sent = [1, 2].flatMap((n) =>
        [dock, dock.at(second.url), dock].map((each) =>
          each.putPart(recording, n, bytes.subarray((n - 1) * partSize, n * partSize)),
        ),
      );
      for (const answer of await Promise.all(sent)) answer.expect(204);
      const completed = await Promise.all([dock, dock.at(second.url)].map((each) => each.complete(recording)));
      for (const answer of completed) answer.expect(202);
      await sealedOnce(recording, bytes);
    });

    it('the last part and the completion: either that finds it missing, or the recording is complete', async () => {
      for (let round = 0; round < 5; round++) {
        const bytes = variantOf(clip, 5 * MIB);
        const { recording, partSize } = await announceOne(bytes);
        expect((await dock.complete(recording)).expect(409).problem()).toMatchObject({ parts: [1, 2] });
        (await dock.putPart(recording, 1, bytes.subarray(0, partSize))).expect(204);
        const last = bytes.subarray(partSize);
        const [part, completed] = await Promise.all([dock.putPart(recording, 2, last), dock.at(second.url).complete(recording)]);
        part.expect(204);
        if (completed.expect(202, 409).status === 409) {
          expect(completed.problem()).toMatchObject({ type: 'urn:custodiet:parts-missing', parts: [2] });
          (await dock.complete(recording)).expect(202);
        }
        // Its answer may be lost: it is confirmed again also when it is too late for other bytes.
        (await dock.putPart(recording, 2, last, digestOf(last))).expect(204);
        if (round === 0) await sealedOnce(recording, bytes);
        else expect(await countsOn(auditor, recording)).not.toHaveProperty('recording.quarantined');
      }
    }, 120_000);
  });
});
