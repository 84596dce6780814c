import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseVerifier, signManifest, type ManifestFile } from '#tlog';
import { DockClient, type RemoteFile } from '../../apps/dock/src/dock-client.js';
import { dockSigner } from '../../apps/dock/src/dock-key.js';
import type { DockAnswer } from '../support/answers.js';
import type { HttpClient } from '../support/http.js';
import type { SampleFile } from './sample-file.js';

const PARTS_AT_ONCE = 4;
const LOOK_EVERY_MS = 200;

/** A docking station that speaks as custodiet-dock does, with its client, and sends files that are nowhere. */
export class BenchDock {
  private constructor(
    private readonly id: string,
    private readonly key: KeyObject,
    private readonly client: DockClient,
  ) {}

  static async enrol(administrator: HttpClient): Promise<BenchDock> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
    const request = { name: `Bench dock ${randomUUID()}`, publicKey: raw };
    const { id, logKey } = (await administrator.post<DockAnswer>('/api/docks', request)).expect(201).body;
    const client = new DockClient({
      server: administrator.url,
      dock: id,
      key: privateKey,
      audience: parseVerifier(logKey ?? '').name,
      patienceMs: 600_000,
      onTrouble: () => undefined,
    });
    return new BenchDock(id, privateKey, client);
  }

  /** One manifest for all of them. */
  async announce(files: readonly SampleFile[]): Promise<readonly RemoteFile[]> {
    const described = files.map(({ size, sha256 }, i): ManifestFile => {
      const recordedAt = new Date().toISOString();
      return { name: `bench-${i}.mp4`, size, sha256, camera: 'BENCH-1', officer: 'B-1', recordedAt, clockOffsetMs: 0 };
    });
    const manifest = { id: randomUUID(), dock: this.id, createdAt: new Date().toISOString(), files: described };
    return this.client.announce(signManifest(manifest, dockSigner(this.id, this.key)));
  }

  /** Returns when the service has confirmed every part and that the file is complete. */
  async send(file: SampleFile, { recording, partSize }: RemoteFile): Promise<void> {
    let next = 1;
    const sender = async (): Promise<void> => {
      for (let part = next++; (part - 1) * partSize < file.size; part = next++) {
        await this.client.putPart(recording, part, file.read((part - 1) * partSize, Math.min(part * partSize, file.size)));
      }
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, sender));
    await this.client.complete(recording);
  }

  /** @throws Error when it ends in another state */
  async sealed(recording: string): Promise<void> {
    for (;;) {
      const { state, reason } = await this.client.state(recording);
      if (state === 'sealed') return;
      if (state !== 'receiving' && state !== 'sealing') throw new Error(`The recording is ${state}: ${reason ?? ''}`);
      await delay(LOOK_EVERY_MS);
    }
  }
}
