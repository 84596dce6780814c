import { createHash, randomBytes } from 'node:crypto';
import { bundleEntryLine, bundleManifest, bundleProofLine } from './bundle-format.js';
import { bundleHeads } from './bundle-heads.js';
import { canonicalize, type Json } from './canonical-json.js';
import { signCheckpoint } from './checkpoint.js';
import { base64, hex, utf8 } from './encodings.js';
import { encodeHeader, payloadCommitment } from './entry.js';
import { headsDigest, headsMap, type SubjectHead } from './heads.js';
import { signManifest } from './manifest.js';
import { EMPTY_RANGE, extend, inclusionProof, leafHash, rootOf, sha256, type Hash } from './merkle.js';
import { generateNoteKey, parseSigner, parseVerifier } from './note.js';

interface Logged {
  readonly index: bigint;
  readonly subject: string;
  readonly header: Uint8Array;
  readonly salt: Uint8Array;
  readonly payload: string;
}

interface LoggedHeads {
  readonly entry: Logged;
  readonly size: bigint;
  readonly heads: readonly SubjectHead[];
}

export function uuidOf(name: string): string {
  const digits = createHash('sha256').update(name).digest('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20, 32)].join('-');
}

/** A small log in memory, written as the service writes its own. For tests. */
export class SampleLog {
  readonly origin = 'example.com/log';
  readonly key = generateNoteKey(this.origin);
  readonly logKey = parseVerifier(this.key.vkey);
  readonly entries: Logged[] = [];
  private readonly nodes = new Map<string, Hash>();
  private readonly heads = new Map<string, { seq: number; index: bigint; leaf: Hash }>();
  private range = EMPTY_RANGE;

  append(subject: string, type: string, fileSha256?: string, value: Json = { why: type }): Logged {
    const head = this.heads.get(subject);
    const salt = new Uint8Array(randomBytes(32));
    const payload = canonicalize(value);
    const header = encodeHeader({
      v: 1,
      log: this.origin,
      id: uuidOf(`entry ${this.range.size}`),
      subject,
      seq: (head?.seq ?? -1) + 1,
      prev: head ? base64(head.leaf) : null,
      type,
      at: '2026-11-20T10:30:00.000Z',
      actor: null,
      ...(fileSha256 === undefined ? {} : { sha256: fileSha256 }),
      pc: base64(payloadCommitment(salt, payload)),
    });
    const entry = { index: this.range.size, subject, header, salt, payload };
    const leaf = leafHash(header);
    this.heads.set(subject, { seq: (head?.seq ?? -1) + 1, index: entry.index, leaf });
    this.range = extend(this.range, leaf, (level, index, hash) => this.nodes.set(`${level}/${index}`, hash));
    this.entries.push(entry);
    return entry;
  }

  checkpoint(): string {
    return signCheckpoint({ origin: this.origin, size: this.range.size, root: rootOf(this.range) }, parseSigner(this.key.skey));
  }

  proof(index: bigint): Promise<Hash[]> {
    return inclusionProof(index, this.range.size, (level, i) => this.nodes.get(`${level}/${i}`) ?? new Uint8Array(32));
  }

  /** Leaf of the last entry about a subject. */
  head(subject: string): Hash {
    return this.heads.get(subject)?.leaf ?? leafHash(utf8('no entry'));
  }

  /** All heads, sorted by subject. */
  sortedHeads(): SubjectHead[] {
    return [...this.heads]
      .map(([subject, { seq, index, leaf }]) => ({ subject, seq, index: index.toString(), head: base64(leaf) }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  /** Logs the heads as of now, or those that are given. */
  logHeads(heads: readonly SubjectHead[] = this.sortedHeads(), size = this.range.size): LoggedHeads {
    const entry = this.append(uuidOf('log'), 'log.heads', headsDigest(headsMap(size, heads)));
    return { entry, size, heads };
  }

  /** The files that prove the chains of these subjects. */
  async proving(bundleJson: string, subjects: readonly string[]): Promise<Map<string, Uint8Array>> {
    const entries = this.entries.filter(({ subject }) => subjects.includes(subject));
    const proofs = await Promise.all(
      entries.map(async ({ index }) => bundleProofLine({ index, hashes: await this.proof(index) })),
    );
    return new Map([
      ['bundle.json', utf8(bundleJson)],
      ['entries.jsonl', utf8(entries.map(bundleEntryLine).join(''))],
      ['proofs.jsonl', utf8(proofs.join(''))],
      ['checkpoint', utf8(this.checkpoint())],
    ]);
  }
}

export const RECORDING = uuidOf('recording');
export const CASE = uuidOf('case');
export const VIDEO_SHA256 = hex(sha256(utf8('the video')));

/** A dock's signed manifest of the sample recording, with the dock's public key. */
export function sampleDock(fileSha256 = VIDEO_SHA256): { note: string; vkey: string } {
  const dock = uuidOf('dock');
  const key = generateNoteKey(`dock/${dock}`);
  const file = { name: 'AXON_0001.mp4', size: 9, camera: 'X81234567', officer: '4711', clockOffsetMs: -1200 };
  const at = '2026-11-20T10:00:00.000Z';
  const files = [{ ...file, sha256: fileSha256, recordedAt: at }];
  return { note: signManifest({ id: uuidOf('manifest'), dock, createdAt: at, files }, parseSigner(key.skey)), vkey: key.vkey };
}

/** A bundle that verifies, unless `change` makes the log tell another story. */
export async function sampleBundle(
  change: {
    readonly before?: (log: SampleLog) => void;
    readonly exported?: (log: SampleLog, bundleSha256: string) => void;
    readonly after?: (log: SampleLog) => void;
    readonly files?: (files: Map<string, Uint8Array>, log: SampleLog) => void;
    /** Makes a bundle that proves its completeness. */
    readonly heads?: (log: SampleLog) => LoggedHeads;
    readonly subjects?: readonly string[];
    readonly log?: string;
    readonly alsoSignedBy?: (log: SampleLog) => readonly string[];
  } = {},
): Promise<{ log: SampleLog; files: Map<string, Uint8Array> }> {
  const log = new SampleLog();
  const stranger = uuidOf('another recording');
  const dock = sampleDock();
  (change.before ?? sealAndView)(log);
  const listed = new Map([
    ['report.pdf', utf8('%PDF-1.7 not really\n')],
    ['README.txt', utf8('How to verify this bundle.\n')],
    ['redactions/plan-1.json', utf8('{}')],
    ['manifest.note', utf8(dock.note)],
    ['dock-key.txt', utf8(`${dock.vkey}\n`)],
  ]);
  change.files?.(listed, log);
  const logged = change.heads?.(log);
  const subjects = change.subjects ?? [RECORDING, CASE];
  const bundleJson = bundleManifest({
    log: change.log ?? log.origin,
    logKey: log.key.vkey,
    ...(change.alsoSignedBy ? { alsoSignedBy: change.alsoSignedBy(log) } : {}),
    recording: RECORDING,
    subjects,
    heads: new Map(subjects.slice(1).map((subject) => [subject, log.head(subject)])),
    ...(logged ? { headsEntry: leafHash(logged.entry.header) } : {}),
    createdAt: '2026-11-20T11:00:00.000Z',
    files: listed,
  });
  const exported = change.exported ?? ((to, digest) => to.append(RECORDING, 'evidence-bundle.exported', digest));
  exported(log, hex(sha256(utf8(bundleJson))));
  log.append(stranger, 'recording.announced');
  change.after?.(log);
  const files = new Map([...listed, ...(await log.proving(bundleJson, subjects))]);
  if (logged) {
    const entry = { ...logged.entry, hashes: await log.proof(logged.entry.index) };
    files.set('heads.jsonl', utf8(bundleHeads({ ...logged, entry, subjects })));
  }
  return { log, files };
}

function sealAndView(log: SampleLog): void {
  log.append(uuidOf('another recording'), 'recording.announced');
  log.append(RECORDING, 'recording.announced');
  log.append(CASE, 'case.opened', undefined, { name: 'Straße 1 \u{1f600}' });
  log.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
  log.append(uuidOf('another recording'), 'recording.sealed', 'ab'.repeat(32));
  log.append(CASE, 'case.recording-added');
  log.append(RECORDING, 'viewing.opened');
}
