import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { noteVerifier, parseVerifier, signManifest, type ManifestFile, type NoteSigner } from '#tlog';
import type { DockAnswer, UploadAnswer } from './answers.js';
import { eventually } from './eventually.js';
import { HttpClient, type Answer } from './http.js';

export interface Manifested {
  readonly manifest: string;
  readonly files: readonly UploadAnswer[];
}

/** A docking station inside the test: an Ed25519 key and the docking protocol, one call a method, so that a test can leave the path anywhere. */
export class TestDock {
  /** Speaks as the dock. */
  readonly http: HttpClient;

  private constructor(
    url: string,
    readonly id: string,
    readonly logKey: string,
    readonly privateKey: KeyObject,
    private readonly publicKey: Uint8Array,
  ) {
    this.http = new HttpClient(url, async () => `Bearer ${await this.token()}`);
  }

  /** @param administrator signed in with that role */
  static async enrol(administrator: HttpClient, name = `Test dock ${randomUUID()}`): Promise<TestDock> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const answer = await administrator.post<DockAnswer>('/api/docks', { name, publicKey: raw.toString('base64') });
    const { id, logKey } = answer.expect(201).body;
    if (logKey === null) throw new Error('The service has no log yet: has the worker started?');
    return new TestDock(administrator.url, id, logKey, privateKey, raw);
  }

  /** The same dock, speaking to another process of the service, or by another way. */
  at(url: string): TestDock {
    return new TestDock(url, this.id, this.logKey, this.privateKey, this.publicKey);
  }

  /** A bearer token as the docking protocol wants it. `claims` replaces what a test wants wrong; times in seconds. */
  async token(
    claims: { readonly issuer?: string; readonly audience?: string; readonly issuedAt?: number } = {},
  ): Promise<string> {
    const now = claims.issuedAt ?? Math.floor(Date.now() / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', kid: this.id })
      .setIssuer(claims.issuer ?? this.id)
      .setAudience(claims.audience ?? parseVerifier(this.logKey).name)
      .setIssuedAt(now)
      .setExpirationTime(now + 120)
      .setJti(randomUUID())
      .sign(this.privateKey);
  }

  get signer(): NoteSigner {
    const { name, keyId } = noteVerifier(`dock/${this.id}`, this.publicKey);
    return { name, keyId, sign: (text) => sign(null, Buffer.from(text), this.privateKey) };
  }

  describe(name: string, bytes: Uint8Array, stated: Partial<ManifestFile> = {}): ManifestFile {
    return {
      name,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      camera: 'TEST-CAMERA-1',
      officer: 'T-1',
      recordedAt: '2026-03-14T09:26:53.000Z',
      clockOffsetMs: 0,
      ...stated,
    };
  }

  manifestOf(files: readonly ManifestFile[], id: string = randomUUID()): string {
    return signManifest({ id, dock: this.id, createdAt: new Date().toISOString(), files }, this.signer);
  }

  async announce(note: string): Promise<Answer<Manifested>> {
    return this.http.send<Manifested>('POST', '/api/docking/manifests', {
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      raw: note,
    });
  }

  /** @param part from 1 */
  async putPart(recording: string, part: number, bytes: Uint8Array, contentDigest = digestOf(bytes)): Promise<Answer<unknown>> {
    return this.http.send('PUT', `/api/docking/recordings/${recording}/parts/${part}`, {
      headers: { 'content-type': 'application/octet-stream', 'content-digest': contentDigest },
      raw: new Uint8Array(bytes),
    });
  }

  async complete(recording: string): Promise<Answer<UploadAnswer>> {
    return this.http.post<UploadAnswer>(`/api/docking/recordings/${recording}/complete`);
  }

  async status(recording: string): Promise<Answer<UploadAnswer>> {
    return this.http.get<UploadAnswer>(`/api/docking/recordings/${recording}`);
  }

  /** The body's exact text is the receipt. */
  async receipt(recording: string): Promise<Answer<unknown>> {
    return this.http.get(`/api/docking/recordings/${recording}/receipt`);
  }

  /** Announces one file and sends all its parts. @returns the recording, not complete yet */
  async send(name: string, bytes: Uint8Array, stated: Partial<ManifestFile> = {}): Promise<UploadAnswer> {
    const { files } = (await this.announce(this.manifestOf([this.describe(name, bytes, stated)]))).expect(200, 201).body;
    const [file] = files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    for (let part = 1; (part - 1) * file.partSize < bytes.length; part++) {
      const body = bytes.subarray((part - 1) * file.partSize, part * file.partSize);
      (await this.putPart(file.recording, part, body)).expect(204);
    }
    return file;
  }

  /** The whole way in. @returns the recording once it is sealed or quarantined */
  async upload(name: string, bytes: Uint8Array, stated: Partial<ManifestFile> = {}): Promise<UploadAnswer> {
    const { recording } = await this.send(name, bytes, stated);
    (await this.complete(recording)).expect(202);
    return this.settled(recording);
  }

  async settled(recording: string, withinMs = 60_000): Promise<UploadAnswer> {
    const look = async (): Promise<UploadAnswer | undefined> => {
      const { body } = (await this.status(recording)).expect(200);
      return body.state === 'sealed' || body.state === 'quarantined' ? body : undefined;
    };
    return eventually(`recording ${recording} is sealed or quarantined`, look, { withinMs });
  }
}

/** The Content-Digest header of a body. RFC 9530 */
export function digestOf(bytes: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
}
