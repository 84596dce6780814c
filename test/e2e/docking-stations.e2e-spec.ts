import { generateKeyPairSync, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { parseVerifier } from '#tlog';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { runProgram } from './command-line.js';
import { entryOn } from './custody-chain.js';
import { countsOn } from './custody-chain.js';
import { DockApp, type Outcome } from './dock-app.js';

const MIB = 2 ** 20;

describe('docking stations', () => {
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

  async function announceOne(bytes: Uint8Array, by = dock): Promise<UploadAnswer> {
    const [file] = (await by.announce(by.manifestOf([by.describe('clip.mp4', bytes)]))).expect(200).body.files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    return file;
  }

  describe('a dock that is not who it should be', () => {
    it('is refused when it is not enrolled', async () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const stranger = new HttpClient(stack.url, async () => `Bearer ${await tokenOf(randomUUID(), privateKey)}`);
      const answer = await stranger.get(`/api/docking/recordings/${randomUUID()}`);
      expect(answer.expect(401).problem()).toMatchObject({ type: 'urn:custodiet:not-signed-in', serverTime: expect.any(String) });
    });

    it("is refused when it speaks in another dock's name", async () => {
      const impostor = new HttpClient(stack.url, async () => `Bearer ${await tokenOf(dock.id, otherDock.privateKey)}`);
      (await impostor.get(`/api/docking/recordings/${randomUUID()}`)).expect(401).problem();
    });

    it.each([
      ['is for another log', () => dock.token({ audience: 'custodiet.test/elsewhere' })],
      ['is from another issuer', () => dock.token({ issuer: otherDock.id })],
      ['has expired', () => dock.token({ issuedAt: Math.floor(Date.now() / 1000) - 1000 })],
      ['is from the future', () => dock.token({ issuedAt: Math.floor(Date.now() / 1000) + 1000 })],
      ['is garbage', () => Promise.resolve('a.b.c')],
      ['is not signed', async () => `${(await dock.token()).split('.').slice(0, 2).join('.')}.`],
    ] as const)('is refused with our time when its token %s', async (_, make) => {
      const client = new HttpClient(stack.url, async () => `Bearer ${await make()}`);
      const { serverTime } = (await client.get(`/api/docking/recordings/${randomUUID()}`)).expect(401).problem();
      expect(Math.abs(Date.parse(String(serverTime)) - Date.now())).toBeLessThan(60_000);
    });

    it('may be four minutes off', async () => {
      for (const off of [-240, 240]) {
        const token = await dock.token({ issuedAt: Math.floor(Date.now() / 1000) + off });
        const client = new HttpClient(stack.url, () => `Bearer ${token}`);
        (await client.get(`/api/docking/recordings/${randomUUID()}`)).expect(404).problem();
      }
    });

    it("may not touch another dock's recording, and trying is on its record", async () => {
      const bytes = variantOf(clip);
      const { recording: id } = await announceOne(bytes);
      const answers = [
        await otherDock.status(id),
        await otherDock.putPart(id, 1, bytes),
        await otherDock.complete(id),
        await otherDock.receipt(id),
      ];
      for (const answer of answers)
        expect(answer.expect(403).problem()).toMatchObject({ type: 'urn:custodiet:forbidden', reason: 'not-yours' });
      for (const action of ['upload.read', 'upload.send', 'receipt.read'])
        await entryOn(auditor, id, 'access.refused', (event) => event['action'] === action);
    });

    it('is refused from its next request on once its key is revoked', async () => {
      const bytes = variantOf(clip);
      const lost = await TestDock.enrol(administrator);
      const { recording: id } = await announceOne(bytes, lost);
      (await administrator.post(`/api/docks/${lost.id}/revoke`, { reason: 'stolen from the station' })).expect(204);
      for (const answer of [await lost.status(id), await lost.putPart(id, 1, bytes), await lost.complete(id)])
        expect(answer.expect(401).problem().detail).toMatch(/revoked/);
    });

    it('cannot be enrolled twice with one key', async () => {
      const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
      const request = { name: 'Twin', publicKey: Buffer.from(x, 'base64url').toString('base64') };
      (await administrator.post('/api/docks', request)).expect(201);
      expect((await administrator.post('/api/docks', request)).expect(409).problem().type).toBe('urn:custodiet:dock-key-exists');
    });
  });

  describe('with custodiet-dock', () => {
    let folder: string;
    let app: DockApp;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-app-'));
      app = await DockApp.enrol(administrator, folder);
    });
    afterAll(async () => rm(folder, { recursive: true, force: true }));

    async function written(name: string, bytes: Uint8Array): Promise<string> {
      const path = join(folder, name);
      await writeFile(path, bytes);
      return path;
    }

    it('ends with a receipt beside the file that verifies, and leaves the file as it was', async () => {
      const bytes = variantOf(clip, 11 * MIB);
      const path = await written('app.mp4', bytes);
      const { code, outcomes } = await app.upload(path);
      expect({ code, outcomes }).toMatchObject({ code: 0, outcomes: [{ file: path, state: 'sealed' }] });
      const { recording: id = '', receipt = '' } = outcomes[0] ?? {};
      expect(await recording(id)).toMatchObject({ name: 'app.mp4', camera: 'TEST-CAMERA-1', officer: '4711', state: 'sealed' });
      expect((await readFile(path)).equals(bytes)).toBe(true);
      expect(await app.run('verify-receipt', receipt, '--file', path)).toMatchObject({ code: 0 });
      const verified = await runProgram('custodiet-verify.mjs', ['receipt', receipt, '--file', path, '--log-key', stack.logKey]);
      expect(verified).toMatchObject({ code: 0, stderr: '' });
      const other = await written('other.mp4', variantOf(clip));
      const mismatched = await runProgram('custodiet-verify.mjs', [
        'receipt',
        receipt,
        '--file',
        other,
        '--log-key',
        stack.logKey,
      ]);
      expect(mismatched.code).toBe(1);
    });

    it('says of each file of several what became of it', async () => {
      const known = variantOf(clip);
      const { recording: first } = await dock.upload('known.mp4', known);
      const paths = [
        await written('known.mp4', known),
        await written('noise.mp4', randomBytes(20_000)),
        await written('fresh.mp4', variantOf(clip)),
      ];
      const { code, outcomes } = await app.upload(...paths);
      expect(code).toBe(1);
      const of = (path: string | undefined): Outcome | undefined => outcomes.find(({ file }) => file === path);
      expect(of(paths[0])).toMatchObject({ state: 'duplicate', duplicateOf: first });
      expect(of(paths[1])).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/\S/) });
      expect(of(paths[2])).toMatchObject({ state: 'sealed' });
    });

    it('counts what it had sealed before it lost its journal as sealed, under the receipt that it fetches and verifies anew', async () => {
      const path = await written('journal-lost.mp4', variantOf(clip));
      const [before] = (await app.upload(path)).outcomes;
      await Promise.all([rm(join(folder, 'dock', 'state'), { recursive: true }), rm(before?.receipt ?? '')]);
      const { code, outcomes } = await app.upload(path);
      expect({ code, outcomes }).toEqual({ code: 0, outcomes: [before] });
      expect(await app.run('verify-receipt', before?.receipt ?? '', '--file', path)).toMatchObject({ code: 0 });
      const counts = await countsOn(auditor, before?.recording ?? '');
      expect(counts).toMatchObject({ 'recording.announced': 1, 'recording.sealed': 1, 'upload.duplicate-refused': 1 });
      expect(counts['access.refused']).toBeUndefined();
    });

    it('does not let go of a copy that somebody else announced and never brought in, and says that once on its record', async () => {
      const bytes = variantOf(clip);
      const path = await written('left-behind.mp4', bytes);
      const [announced] = (await dock.announce(dock.manifestOf([dock.describe('first.mp4', bytes)]))).expect(200).body.files;
      const id = announced?.recording ?? '';
      for (let run = 0; run < 3; run++) {
        const { code, outcomes } = await app.upload(path, '--patience', '1');
        expect({ code, outcomes }).toMatchObject({
          code: 75,
          outcomes: [{ state: 'unreachable', reason: expect.stringContaining(id) }],
        });
      }
      expect((await countsOn(await stack.signIn('auditor'), id))['upload.duplicate-refused']).toBe(1);

      (await dock.putPart(id, 1, bytes)).expect(204);
      (await dock.complete(id)).expect(202);
      await dock.settled(id);
      expect((await app.upload(path)).outcomes).toMatchObject([{ state: 'duplicate', duplicateOf: id }]);
    });
  });

  async function tokenOf(id: string, key: KeyObject): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', kid: id })
      .setIssuer(id)
      .setAudience(parseVerifier(dock.logKey).name)
      .setIssuedAt()
      .setExpirationTime('2 minutes')
      .setJti(randomUUID())
      .sign(key);
  }
});
