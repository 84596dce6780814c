import { createHash } from 'node:crypto';
import {
  EMPTY_RANGE,
  EMPTY_ROOT,
  consistencyProof,
  extend,
  generateNoteKey,
  leafHash,
  parseSigner,
  rootOf,
  signCheckpoint,
  type Hash,
} from '#tlog';

/** A log's key, and the histories that it signs: an honest log has one, a forked one more. */
export class SampleLog {
  readonly key: { readonly skey: string; readonly vkey: string };

  constructor(readonly origin = 'example.com/log') {
    this.key = generateNoteKey(origin);
  }

  /** `size` leaves; those from `forkAt` on depend on `story`. */
  history(size: number, { forkAt = 0, story = 'true' }: { forkAt?: number; story?: string } = {}): SampleHistory {
    const leaves = Array.from({ length: size }, (_, i) => `${i < forkAt ? 'true' : story} ${i}`);
    return new SampleHistory(this, leaves);
  }
}

export class SampleHistory {
  private readonly nodes = new Map<string, Hash>();
  private readonly roots: Hash[] = [EMPTY_ROOT];

  constructor(
    private readonly log: SampleLog,
    leaves: readonly string[],
  ) {
    let range = EMPTY_RANGE;
    for (const leaf of leaves) {
      const hash = leafHash(createHash('sha256').update(leaf).digest());
      range = extend(range, hash, (level, index, node) => this.nodes.set(`${level}/${index}`, node));
      this.roots.push(rootOf(range));
    }
  }

  checkpoint(size: number): string {
    const root = this.roots[size] ?? EMPTY_ROOT;
    return signCheckpoint({ origin: this.log.origin, size: BigInt(size), root }, parseSigner(this.log.key.skey));
  }

  proof(oldSize: number, size: number): Promise<Hash[]> {
    return consistencyProof(BigInt(oldSize), BigInt(size), (level, i) => this.nodes.get(`${level}/${i}`) ?? EMPTY_ROOT);
  }

  /** The body of an add-checkpoint request. C2SP tlog-witness */
  async request(oldSize: number, size: number, note = this.checkpoint(size)): Promise<string> {
    return requestBody(oldSize, await this.proof(oldSize, size), note);
  }
}

export function requestBody(oldSize: number | bigint, proof: readonly Hash[], note: string): string {
  return `old ${oldSize}\n${proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('')}\n${note}`;
}
