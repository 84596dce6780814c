import { createHash } from 'node:crypto';
import type { Attribution, CustodyEvent } from '#custody';
import {
  canonicalize,
  EMPTY_RANGE,
  encodeHeader,
  extend,
  generateNoteKey,
  inclusionProof,
  leafHash,
  openCheckpoint,
  parseSigner,
  parseVerifier,
  payloadCommitment,
  rootOf,
  signCheckpoint,
  type Checkpoint,
  type Hash,
} from '#tlog';
import type { StoredEntry } from '../chain-entries.rules.js';

export const ORIGIN = 'example.com/log';

export function uuid(name: string): string {
  return createHash('sha256')
    .update(name)
    .digest('hex')
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const RECORDING = uuid('recording');
export const VIDEO_SHA256 = createHash('sha256').update('the video').digest('hex');

export const OFFICER: Attribution = {
  kind: 'person',
  id: uuid('łukasz'),
  name: 'Łukasz Żółć',
  badge: '4711',
  roles: ['officer'],
  method: 'password',
  address: '10.1.0.7',
};
export const INVESTIGATOR: Attribution = {
  kind: 'person',
  id: uuid('ada'),
  name: 'Ada Byron',
  badge: null,
  roles: ['investigator'],
  method: 'password',
  address: '10.1.0.9',
};
export const CUSTODIAN: Attribution = {
  kind: 'person',
  id: uuid('grace'),
  name: 'Grace Hopper',
  badge: '12',
  roles: ['custodian'],
  method: 'password',
  address: '10.1.0.3',
};
export const DOCK: Attribution = {
  kind: 'dock',
  id: uuid('dock'),
  name: 'Precinct 3, bay 2',
  method: 'dock-key',
  address: '10.2.0.1',
};
export const SERVICE: Attribution = { kind: 'system', id: null, name: 'sealing' };

/** A log in memory, as the service writes its own. For tests. */
export class SampleChain {
  readonly key = generateNoteKey(ORIGIN);
  readonly logKey = parseVerifier(this.key.vkey);
  readonly stored: StoredEntry[] = [];
  private readonly nodes = new Map<string, Hash>();
  private range = EMPTY_RANGE;

  append(event: CustodyEvent, who: Attribution, at: string): this {
    const { type, ...rest } = event;
    const { sha256, ...details } = { sha256: undefined, ...rest };
    const before = this.stored.at(-1);
    const salt = createHash('sha256').update(`salt ${this.range.size}`).digest();
    const payload = canonicalize({ who: { ...who }, event: details });
    const header = encodeHeader({
      v: 1,
      log: ORIGIN,
      id: uuid(`entry ${this.range.size}`),
      subject: RECORDING,
      seq: this.stored.length,
      prev: before === undefined ? null : before.leaf.toString('base64'),
      type,
      at,
      actor: who.id,
      ...(sha256 === undefined ? {} : { sha256 }),
      pc: Buffer.from(payloadCommitment(salt, payload)).toString('base64'),
    });
    const leaf = Buffer.from(leafHash(header));
    this.stored.push({ index: this.range.size, header: Buffer.from(header).toString('utf8'), leaf, salt, payload });
    this.range = extend(this.range, leaf, (level, index, hash) => this.nodes.set(`${level}/${index}`, hash));
    return this;
  }

  /** Destroys the payloads of all entries so far, but not of those that say what was erased, and puts that on record. */
  erase(who: Attribution, at: string): this {
    const erased = this.stored.filter(({ header }) => !header.includes('"type":"payload.erased"'));
    for (const entry of erased) this.stored[Number(entry.index)] = { ...entry, salt: null, payload: null };
    const entries = erased.map(({ index }) => uuid(`entry ${index}`));
    return this.append({ type: 'payload.erased', entries, reason: 'Order 12 of the district court' }, who, at);
  }

  checkpoint(): Checkpoint & { note: string } {
    const note = signCheckpoint({ origin: ORIGIN, size: this.range.size, root: rootOf(this.range) }, parseSigner(this.key.skey));
    return openCheckpoint(note, [this.logKey]);
  }

  async proofs(): Promise<Hash[][]> {
    const read = (level: number, index: bigint): Hash => this.nodes.get(`${level}/${index}`) ?? new Uint8Array(32);
    return Promise.all(this.stored.map(({ index }) => inclusionProof(index, this.range.size, read)));
  }
}

/** From the docking station to an export, with two refusals: the short story of one recording in twelve entries. */
export function shortStory(): SampleChain {
  const chain = new SampleChain();
  const at = (minute: number): string => new Date(Date.UTC(2026, 10, 20, 9, minute, 12, 345)).toISOString();
  const file = { manifest: uuid('manifest'), dock: uuid('dock'), name: 'AXON_0001.mp4', sha256: VIDEO_SHA256 };
  return chain
    .append(
      {
        type: 'recording.announced',
        ...file,
        size: 12_403_112,
        camera: 'X81234567',
        officer: '4711',
        recordedAt: at(-120),
        clockOffsetMs: -1200,
      },
      DOCK,
      at(0),
    )
    .append(
      { type: 'upload.part-refused', part: 2, problem: 'Part 2 did not arrive as it was sent. Send it again.' },
      DOCK,
      at(1),
    )
    .append(sealed(at), SERVICE, at(3))
    .append(
      {
        type: 'rendition.published',
        rendition: uuid('r'),
        recipe: 'hls-720p-1',
        files: 9,
        tool: 'ffmpeg 5.1.9',
        sha256: 'ab'.repeat(32),
      },
      SERVICE,
      at(4),
    )
    .append({ type: 'access.refused', action: 'viewing.open', reason: 'no-grant' }, INVESTIGATOR, at(10))
    .append(
      {
        type: 'access.requested',
        request: uuid('request'),
        purpose: 'internal-investigation',
        caseNumber: 'IA-2026-0412',
        justification: 'A complaint of 18 November about the stop on Main Street.',
        until: at(600),
      },
      INVESTIGATOR,
      at(11),
    )
    .append(granted(at), CUSTODIAN, at(20))
    .append(opened('first'), INVESTIGATOR, at(25))
    .append(
      {
        type: 'viewing.closed',
        viewing: uuid('first'),
        delivered: [
          { fromMs: 0, toMs: 12_000 },
          { fromMs: 20_000, toMs: 30_040 },
        ],
        files: 8,
        bytes: 2_812_004,
        aborted: 1,
        closedBy: 'viewer',
      },
      INVESTIGATOR,
      at(29),
    )
    .append(
      {
        type: 'redaction.ordered',
        redaction: uuid('redaction'),
        regions: 1,
        mutes: 1,
        reason: 'A bystander’s face and address.',
        sha256: 'cd'.repeat(32),
      },
      CUSTODIAN,
      at(40),
    )
    .append(
      {
        type: 'redaction.sealed',
        redaction: uuid('redaction'),
        result: uuid('copy'),
        planSha256: 'cd'.repeat(32),
        recipe: 'redaction-1',
        tool: 'ffmpeg 5.1.9',
        leakCheck: 'no metadata, no hidden frames, covered areas uniform',
        sha256: 'ef'.repeat(32),
      },
      SERVICE,
      at(42),
    )
    .append({ type: 'custody-report.exported', pages: 4, throughSeq: 10, sha256: '12'.repeat(32) }, CUSTODIAN, at(50));
}

export function opened(viewing: string): CustodyEvent {
  return {
    type: 'viewing.opened',
    viewing: uuid(viewing),
    grant: uuid('grant'),
    purpose: 'internal-investigation',
    caseNumber: 'IA-2026-0412',
  };
}

function granted(at: (minute: number) => string): CustodyEvent {
  const [request, grant] = [uuid('request'), uuid('grant')];
  return { type: 'access.granted', request, grant, person: INVESTIGATOR.id ?? '', personName: INVESTIGATOR.name, until: at(600) };
}

function sealed(at: (minute: number) => string): CustodyEvent {
  return {
    type: 'recording.sealed',
    size: 12_403_112,
    bucket: 'custodiet-evidence',
    key: `originals/${RECORDING}`,
    versionId: 'v1',
    retainUntil: at(90 * 24 * 60),
    method: 'read back whole from the object store and hashed',
    parent: null,
    sha256: VIDEO_SHA256,
  };
}
