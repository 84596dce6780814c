import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { parseVerifier, signManifest, verifyReceipt } from '#tlog';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { digestOf, TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, soundOnly, variantOf, withIndexFirst } from './clip-bytes.js';
import { asSuperuser } from './superuser.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';

const MIB = 2 ** 20;

describe('docking', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let otherDock: TestDock;
  let clip: Buffer;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ PART_SIZE_MIB: '5' }), clipBytes({ seconds: 3 })]);
    administrator = await stack.signIn('administrator');
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(administrator);
    otherDock = await TestDock.enrol(administrator);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function recording(id: string): Promise<RecordingAnswer> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  }

  async function quarantined(): Promise<string[]> {
    const { body } = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?state=quarantined&limit=200')).expect(
      200,
    );
    return body.recordings.map(({ id }) => id);
  }

  async function announceOne(bytes: Uint8Array, by = dock): Promise<UploadAnswer> {
    const [file] = (await by.announce(by.manifestOf([by.describe('clip.mp4', bytes)]))).expect(200, 201).body.files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    return file;
  }

  /** Entries on a dock's own chain, which has no route: read where they are kept. */
  async function refusedManifests(dockId: string): Promise<number> {
    return asSuperuser(stack.database, async (database) => {
      const query = "SELECT count(*)::int AS n FROM custody_entries WHERE subject = $1 AND type = 'manifest.refused'";
      return (await database.query<{ n: number }>(query, [dockId])).rows[0]?.n ?? 0;
    });
  }

  describe('a file that arrives whole', () => {
    it('is sealed with the SHA-256 of the source, and its receipt verifies against the log key that the dock pinned', async () => {
      const bytes = variantOf(clip);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const { recording: id, state } = await dock.upload('whole.mp4', bytes, { officer: '4711' });
      expect(state).toBe('sealed');
      expect(await recording(id)).toMatchObject({
        name: 'whole.mp4',
        sha256,
        size: bytes.length,
        officer: '4711',
        state: 'sealed',
        reason: null,
      });

      const receipt = (await dock.receipt(id)).expect(200);
      expect(receipt.contentType).toBe('application/json');
      const logKey = parseVerifier(dock.logKey);
      const { index, checkpoint } = verifyReceipt(receipt.text, { logKey, sha256, recording: id });
      expect(checkpoint.size).toBeGreaterThan(index);
      expect(dock.logKey).toBe(stack.logKey);
      const otherFile = createHash('sha256').update(clip).digest('hex');
      expect(() => verifyReceipt(receipt.text, { logKey, sha256: otherFile })).toThrow(/SHA-256/);

      const sealed = await entryOn(auditor, id, 'recording.sealed');
      expect(String(index)).toBe(String(sealed.index));
      expect((await chainOf(auditor, id)).slice(0, 2).map(({ type }) => type)).toEqual([
        'recording.announced',
        'recording.sealed',
      ]);
    });

    it('has no receipt before it is sealed', async () => {
      const file = await dock.send('early.mp4', variantOf(clip));
      expect((await dock.receipt(file.recording)).expect(409).problem()).toMatchObject({
        type: 'urn:custodiet:not-sealed',
        state: 'receiving',
      });
    });
  });

  describe('an upload in several parts', () => {
    it('goes on where it stopped, in any order, with the parts that the service names', async () => {
      const bytes = variantOf(clip, 11 * MIB);
      const note = dock.manifestOf([dock.describe('parts.mp4', bytes)]);
      const [file] = (await dock.announce(note)).expect(200).body.files;
      const { recording: id, partSize } = file!;
      expect(partSize).toBe(5 * MIB);
      const part = (n: number): Buffer => bytes.subarray((n - 1) * partSize, n * partSize);
      (await dock.putPart(id, 3, part(3))).expect(204);
      (await dock.putPart(id, 1, part(1))).expect(204);

      const again = (await dock.announce(note)).expect(200).body;
      expect(again.files).toMatchObject([{ recording: id, state: 'receiving', partsReceived: [1, 3] }]);
      expect((await dock.complete(id)).expect(409).problem()).toMatchObject({ type: 'urn:custodiet:parts-missing', parts: [2] });
      // The answer to a part may be lost on the way, so the dock sends it again.
      (await dock.putPart(id, 1, part(1))).expect(204);
      (await dock.putPart(id, 2, part(2))).expect(204);
      (await dock.complete(id)).expect(202);
      (await dock.complete(id)).expect(202);
      expect((await dock.settled(id)).state).toBe('sealed');
      expect(await countsOn(auditor, id)).toMatchObject({ 'recording.announced': 1, 'recording.sealed': 1 });
    });

    it('is one upload when all parts arrive at once', async () => {
      const bytes = variantOf(clip, 16 * MIB);
      const { recording: id, partSize } = await announceOne(bytes);
      const parts = [1, 2, 3, 4].map((n) => dock.putPart(id, n, bytes.subarray((n - 1) * partSize, n * partSize)));
      expect((await Promise.all(parts)).map(({ status }) => status)).toEqual([204, 204, 204, 204]);
      (await dock.complete(id)).expect(202);
      expect((await dock.settled(id)).state).toBe('sealed');
    });

    it('takes no other bytes for a part that it has, and none once it is complete', async () => {
      const bytes = variantOf(clip, 6 * MIB);
      const { recording: id, partSize } = await announceOne(bytes);
      const first = bytes.subarray(0, partSize);
      (await dock.putPart(id, 1, first)).expect(204);
      const changed = Buffer.from(first);
      changed[100]! ^= 1;
      expect((await dock.putPart(id, 1, changed)).expect(409).problem().type).toBe('urn:custodiet:part-conflict');
      (await dock.putPart(id, 2, bytes.subarray(partSize))).expect(204);
      (await dock.complete(id)).expect(202);
      expect((await dock.settled(id)).state).toBe('sealed');
    });
  });

  describe('a manifest that is sent again', () => {
    it('names the same recordings and announces nothing twice', async () => {
      const note = dock.manifestOf([dock.describe('a.mp4', variantOf(clip)), dock.describe('b.mp4', variantOf(clip))]);
      const first = (await dock.announce(note)).expect(200).body;
      const answers = await Promise.all([dock.announce(note), dock.announce(note), dock.announce(note)]);
      for (const answer of answers) expect(answer.expect(200).body).toEqual(first);
      for (const { recording: id } of first.files) {
        await entryOn(auditor, id, 'recording.announced');
        expect(await countsOn(auditor, id)).toEqual({ 'recording.announced': 1 });
      }
    });

    it('is refused when another manifest has its id', async () => {
      const id = randomUUID();
      (await dock.announce(dock.manifestOf([dock.describe('a.mp4', variantOf(clip))], id))).expect(200);
      const other = await dock.announce(dock.manifestOf([dock.describe('b.mp4', variantOf(clip))], id));
      expect(other.expect(409).problem().type).toBe('urn:custodiet:manifest-altered');
    });
  });

  describe('the same file twice', () => {
    it("is refused with the first one's id, and the attempt is on that one's record", async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await dock.upload('first.mp4', bytes);
      for (const again of [dock, otherDock]) {
        const answer = await again.announce(again.manifestOf([again.describe('second.mp4', bytes)]));
        expect(answer.expect(409).problem()).toMatchObject({
          ...{ type: 'urn:custodiet:duplicate-recording', recordings: [id], states: ['sealed'], yours: [again === dock] },
        });
        const refused = await entryOn(auditor, id, 'upload.duplicate-refused', (event) => event['dock'] === again.id);
        expect(refused.event).toMatchObject({ name: 'second.mp4' });
        expect(refused.actor).toBe(again.id);
      }
      expect(await countsOn(auditor, id)).toMatchObject({
        'recording.announced': 1,
        'recording.sealed': 1,
        'upload.duplicate-refused': 2,
      });
    });

    it('does not hold up the new file beside it in the manifest', async () => {
      const [known, fresh] = [variantOf(clip), variantOf(clip)];
      const { recording: id } = await dock.upload('known.mp4', known);
      const answer = await dock.announce(dock.manifestOf([dock.describe('known.mp4', known), dock.describe('fresh.mp4', fresh)]));
      expect(answer.expect(200).body.files).toMatchObject([
        { state: 'duplicate', duplicateOf: id, heldAs: 'sealed', yours: true },
        { state: 'receiving' },
      ]);
    });

    it('goes to exactly one of two docks that announce it at the same moment', async () => {
      for (let round = 0; round < 6; round++) {
        const bytes = variantOf(clip);
        const answers = await Promise.all(
          [dock, otherDock].map((each) => each.announce(each.manifestOf([each.describe('race.mp4', bytes)]))),
        );
        const [winner, ...others] = answers.filter(({ status }) => status === 200);
        const [loser, ...rest] = answers.filter(({ status }) => status === 409);
        expect([others.length, rest.length]).toEqual([0, 0]);
        const id = winner!.body.files[0]!.recording;
        expect(loser!.problem()).toMatchObject({ type: 'urn:custodiet:duplicate-recording', recordings: [id] });
        await entryOn(auditor, id, 'upload.duplicate-refused');
        expect(await countsOn(auditor, id)).toEqual({ 'recording.announced': 1, 'upload.duplicate-refused': 1 });
      }
    });
  });

  describe('a part that is not what was announced', () => {
    it('is refused and on record when it was corrupted on the way, and the same part sent again is sealed', async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(bytes);
      const corrupted = Buffer.from(bytes);
      corrupted[1000]! ^= 1;
      const refused = await dock.putPart(id, 1, corrupted, digestOf(bytes));
      expect(refused.expect(422).problem().type).toBe('urn:custodiet:digest-mismatch');
      expect((await entryOn(auditor, id, 'upload.part-refused')).event).toMatchObject({ part: 1 });
      expect((await dock.status(id)).body.partsReceived).toEqual([]);
      (await dock.putPart(id, 1, bytes)).expect(204);
      (await dock.complete(id)).expect(202);
      expect((await dock.settled(id)).state).toBe('sealed');
    });

    it.each([
      ['too short', (bytes: Buffer) => bytes.subarray(1), 1, 422, 'part-size'],
      ['too long', (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 1)]), 1, 422, 'part-size'],
      ['empty', () => Buffer.alloc(0), 1, 422, 'part-size'],
      ['beyond the end of the file', (bytes: Buffer) => bytes, 2, 422, 'no-such-part'],
    ] as const)('is refused and on record when it is %s', async (_, body, part, status, code) => {
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(bytes);
      expect((await dock.putPart(id, part, body(bytes))).expect(status).problem().type).toBe(`urn:custodiet:${code}`);
      await entryOn(auditor, id, 'upload.part-refused', (event) => event['part'] === part);
      expect((await dock.complete(id)).expect(409).problem()).toMatchObject({ type: 'urn:custodiet:parts-missing', parts: [1] });
    });

    it.each(['', 'sha-256=:AAAA:', 'md5=:AAAAAAAAAAAAAAAAAAAAAA==:', 'nonsense'])(
      'is refused with the digest "%s"',
      async (digest) => {
        const bytes = variantOf(clip);
        const { recording: id } = await announceOne(bytes);
        expect((await dock.putPart(id, 1, bytes, digest)).expect(400).problem().type).toBe('urn:custodiet:digest-missing');
      },
    );

    it.each(['0', '-1', '1.5', 'one', '100000'])('is refused as part "%s"', async (part) => {
      const { recording: id } = await announceOne(variantOf(clip));
      const answer = await dock.http.send('PUT', `/api/docking/recordings/${id}/parts/${part}`, {
        headers: { 'content-type': 'application/octet-stream', 'content-digest': digestOf(Buffer.from('x')) },
        raw: 'x',
      });
      expect(answer.expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });
  });

  describe('a manifest that cannot be believed', () => {
    it.each([
      ['garbage', (): string => 'this is no signed note', /./],
      ['empty', (): string => '', /./],
      ['signed by another key', (): string => forged(dock, otherDock), /signature|key/i],
      [
        'altered after it was signed',
        (): string => dock.manifestOf([dock.describe('one.mp4', clip)]).replace('one.mp4', 'two.mp4'),
        /signature/i,
      ],
      ["another dock's", (): string => otherDock.manifestOf([otherDock.describe('one.mp4', variantOf(clip))]), /key|signature/i],
    ] as const)('is refused when it is %s', async (_, note, why) => {
      const before = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?limit=1')).body.recordings[0]?.id;
      const refusedBefore = await refusedManifests(dock.id);
      const problem = (await dock.announce(note())).expect(400, 422).problem();
      expect(problem.detail).toMatch(why);
      if (problem.status === 422) {
        const onRecord = async (): Promise<boolean> => (await refusedManifests(dock.id)) > refusedBefore;
        await eventually("the refusal is on the dock's chain", onRecord);
      }
      const after = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings?limit=1')).body.recordings[0]?.id;
      expect(after).toBe(before);
    });

    it('is refused when it lists the same file twice, or one larger than the service takes', async () => {
      const file = dock.describe('one.mp4', variantOf(clip));
      const twice = await dock.announce(dock.manifestOf([file, { ...file, name: 'two.mp4' }]));
      expect(twice.expect(422).problem()).toMatchObject({
        type: 'urn:custodiet:manifest-refused',
        detail: expect.stringMatching(/twice/),
      });
      const large = await dock.announce(dock.manifestOf([{ ...file, size: 2 ** 45 }]));
      expect(large.expect(422).problem().detail).toMatch(/at most/);
    });

    it('keeps a file quarantined, never playable, when its bytes are not the announced ones', async () => {
      const announced = variantOf(clip);
      const arrives = variantOf(clip);
      const { recording: id } = await announceOne(announced);
      (await dock.putPart(id, 1, arrives)).expect(204);
      (await dock.complete(id)).expect(202);
      const settled = await dock.settled(id);
      expect(settled).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/SHA-256/) });
      expect((await entryOn(auditor, id, 'recording.quarantined')).event).toMatchObject({ problem: settled.reason });
      expect((await dock.receipt(id)).expect(409).problem().detail).toBe(settled.reason);
      expect(await quarantined()).toContain(id);
      expect(await recording(id)).toMatchObject({ state: 'quarantined', playback: null });

      const until = new Date(Date.now() + 3_600_000).toISOString();
      const investigator = await stack.signIn('investigator');
      const asked = { recordings: [id], purpose: 'prosecution', caseNumber: 'T-1', justification: 'to look at it', until };
      expect((await investigator.post('/api/access-requests', asked)).expect(422).problem().type).toBe(
        'urn:custodiet:recording-unknown',
      );
      expect(
        (await investigator.post(`/api/recordings/${id}/viewings`, { purpose: 'prosecution' })).expect(403).problem(),
      ).toBeDefined();
    });

    it('never completes a file that is larger or smaller than announced', async () => {
      for (const size of [clip.length - 1, clip.length + 1]) {
        const bytes = variantOf(clip);
        const stated = dock.describe('size.mp4', bytes, { size });
        const [file] = (await dock.announce(dock.manifestOf([stated]))).expect(200).body.files;
        expect((await dock.putPart(file!.recording, 1, bytes)).expect(422).problem().type).toBe('urn:custodiet:part-size');
        await entryOn(auditor, file!.recording, 'upload.part-refused');
        expect((await dock.complete(file!.recording)).expect(409).problem().type).toBe('urn:custodiet:parts-missing');
      }
    });

    it('lets the right file in after a wrong one was quarantined under its digest', async () => {
      const bytes = variantOf(clip);
      const { recording: wrong } = await announceOne(bytes);
      (await dock.putPart(wrong, 1, variantOf(clip))).expect(204);
      (await dock.complete(wrong)).expect(202);
      expect((await dock.settled(wrong)).state).toBe('quarantined');
      const right = await dock.upload('again.mp4', bytes);
      expect(right.state).toBe('sealed');
      expect(right.recording).not.toBe(wrong);
    });
  });

  describe('a file that is no whole video', () => {
    it.each([
      ['empty', () => Buffer.alloc(0)],
      ['garbage', () => randomBytes(50_000)],
      ['a text renamed .mp4', () => Buffer.from(`${randomUUID()} is no video.\n`.repeat(500))],
      ['an mp4 cut off before the index at its end', () => variantOf(clip).subarray(0, Math.floor(clip.length / 2))],
      [
        'an mp4 cut off after the index at its beginning',
        async () => (await withIndexFirst(clip)).subarray(0, Math.floor(clip.length * 0.6)),
      ],
      ['a video without a picture', soundOnly],
    ] as const)('is quarantined with a reason and listed when it is %s', async (name, make) => {
      const settled = await dock.upload(`${name.replaceAll(' ', '-')}.mp4`, await make());
      expect(settled.state).toBe('quarantined');
      expect(settled.reason).toMatch(/^[A-Z].{10,}\.$/);
      expect(settled.reason).not.toMatch(/\/|Error|at line|undefined/);
      expect((await entryOn(auditor, settled.recording, 'recording.quarantined')).event).toMatchObject({
        problem: settled.reason,
      });
      expect(await quarantined()).toContain(settled.recording);
      expect(await countsOn(auditor, settled.recording)).toEqual({ 'recording.announced': 1, 'recording.quarantined': 1 });
    });
  });
});

/** A manifest in the name of `dock`, with its key's name and id, whose signature was made with the key of `by`. */
function forged(dock: TestDock, by: TestDock): string {
  const files = [dock.describe('forged.mp4', randomBytes(100))];
  const manifest = { id: randomUUID(), dock: dock.id, createdAt: new Date().toISOString(), files };
  return signManifest(manifest, { ...dock.signer, sign: (text) => by.signer.sign(text) });
}
