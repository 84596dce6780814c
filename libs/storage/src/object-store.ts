import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { probeEvidenceBucket } from './evidence-probe.js';
import { type LockPolicy, ensureLockedBucket } from './locked-bucket.js';
import { uploadFile } from './file-upload.js';
import { codeOf, PartRefused, StorageUnavailable, translated } from './storage-errors.js';

export interface StoreOptions {
  /** "http://127.0.0.1:9000"; buckets are addressed as its first path segment. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Asked for with every object; the store's own default when there is none. Whether it is done, the probe tells. */
  readonly encryption?: Encryption;
  /** How long, in milliseconds, the store may neither take nor answer anything while a part is sent. 15 s when it is not given. */
  readonly partSilenceMs?: number;
}

/** Encryption at rest, done by the store: SSE-S3 or SSE-KMS. */
export interface Encryption {
  readonly algorithm: 'AES256' | 'aws:kms';
  /** Of the store's key management; its default key when there is none. */
  readonly kmsKeyId?: string;
}

export interface StoredVersion {
  readonly bucket: string;
  readonly key: string;
  /** "null", S3's own name for it, in a bucket without versioning. */
  readonly versionId: string;
  /** Bytes. */
  readonly size: number;
}

/** A multipart upload in progress. Until it is completed no object exists under the key. */
export interface MultipartUpload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Bytes start to end, both inclusive, counted from 0. RFC 9110 §14.1.2 */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface OpenedObject {
  /** A fault midway, a connection cut short included, is the stream's `error`: it never just ends early. */
  readonly stream: Readable;
  /** Bytes of the whole object, also when only a range of it was asked for. */
  readonly size: number;
  /** Bytes that the stream will give: `size` without a range, else the range cut at the object's end. */
  readonly length: number;
  readonly contentType: string;
}

const PART_SILENCE_MS = 15_000;
const KNOWN_GONE_WITHIN_MS = 5_000;

/**
 * Evidence in S3, by calls that AWS S3, MinIO and Ceph RGW all honour. Every method throws StorageUnavailable when the store
 * cannot be reached or answers 429 or 5xx after three tries; all of them may be repeated then.
 */
export class ObjectStore {
  private readonly client: S3Client;
  /**
   * For parts on their way in, whose senders wait: a store that fell silent is given up soon, one that is only slow is waited for. For
   * reading this would be wrong, because there it is often our own reader who is slow.
   */
  private readonly sender: S3Client;
  readonly encryption: Encryption | undefined;

  constructor(options: StoreOptions) {
    this.encryption = options.encryption;
    const silence = options.partSilenceMs ?? PART_SILENCE_MS;
    this.client = connect(options, { requestTimeout: 120_000, throwOnRequestTimeout: true });
    this.sender = connect(options, { socketTimeout: silence });
  }

  /** Lets go of its connections. Calls under way fail. */
  close(): void {
    this.client.destroy();
    this.sender.destroy();
  }

  /** For health: resolves when the store answers and knows our key. Gives up after five seconds. */
  async ping(): Promise<void> {
    try {
      await this.client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(5_000) });
    } catch (error) {
      // A key that may not list all buckets is still a key that the store recognised
      if (codeOf(error) !== 'AccessDenied') throw translated(error, 'checking its health');
    }
  }

  /**
   * Idempotent, also when several processes do it at once. With a lock: versioned, Object Lock on, default retention as given.
   * @throws BucketNotLockable when the bucket exists without Object Lock
   */
  async ensureBucket(bucket: string, lock?: LockPolicy): Promise<void> {
    await this.asking(`preparing bucket ${bucket}`, () => ensureLockedBucket(this.client, bucket, lock));
  }

  /**
   * Names what the bucket cannot do and evidence needs: 'versioning', 'locked-versions', 'part-digests', 'list-versions', and
   * 'encryption' where it was asked for. Empty when it can be trusted. Leaves one tiny locked object under `probe/`, tried anew by every later probe until its retention ends.
   */
  async probeEvidenceBucket(bucket: string): Promise<string[]> {
    return this.asking(`probing bucket ${bucket}`, () => probeEvidenceBucket(this.client, this, bucket));
  }

  /** Begins a multipart upload and answers its id. */
  async beginMultipart(bucket: string, key: string, contentType: string): Promise<string> {
    const command = new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ContentType: contentType, ...this.encrypted() });
    const { UploadId: id } = await this.asking(`beginning the upload of ${key}`, () => this.sender.send(command));
    return given(id, 'UploadId');
  }

  /**
   * Sends one part, numbered from 1; the store itself checks it against the digest. A part sent again replaces the earlier one. The
   * body is neither copied nor hashed here, and must not change before the answer.
   * @param signal gives the sending up (StorageUnavailable)
   * @throws PartRefused
   */
  async putPart(
    at: MultipartUpload,
    part: number,
    body: Buffer,
    sha256Hex: string,
    signal?: AbortSignal,
  ): Promise<{ etag: string }> {
    const command = new UploadPartCommand({
      Bucket: at.bucket,
      Key: at.key,
      UploadId: at.uploadId,
      PartNumber: part,
      Body: body,
      ContentLength: body.length,
    });
    // The signer takes a digest that is already there instead of hashing the body again, so the store holds the bytes against the
    // caller's digest, not against one made here from bytes that may have changed on the way.
    command.middlewareStack.add(
      (next) => (args) => {
        if (hasHeaders(args.request)) args.request.headers['x-amz-content-sha256'] = sha256Hex;
        return next(args);
      },
      { step: 'build', name: 'declaredDigest' },
    );
    try {
      const { ETag: etag } = await this.sender.send(command, signal === undefined ? {} : { abortSignal: signal });
      return { etag: given(etag, 'ETag') };
    } catch (error) {
      const refused = refusedPart(error, `sending part ${String(part)} of ${at.key}`);
      // Ceph answers 404 before it has read the part and hangs up: of a large one only EPIPE may be seen, which looks like an outage
      if (refused instanceof StorageUnavailable && !gaveUp(error) && (await this.isKnownGone(at))) {
        throw new PartRefused('unknown-upload', `no such upload of ${at.key}`, error);
      }
      throw refused;
    }
  }

  /**
   * Makes the object out of its parts. May be repeated when the answer was lost: if the upload is gone and exactly one version of
   * the key exists, that version is the answer, which is sound for keys that nobody can guess and nothing else writes.
   * @throws PartRefused when a part is missing, too small, or the upload is unknown and left no version
   */
  async completeMultipart(at: MultipartUpload, parts: readonly { part: number; etag: string }[]): Promise<StoredVersion> {
    const doing = `completing the upload of ${at.key}`;
    const ordered = [...parts].sort((a, b) => a.part - b.part);
    const command = new CompleteMultipartUploadCommand({
      Bucket: at.bucket,
      Key: at.key,
      UploadId: at.uploadId,
      MultipartUpload: { Parts: ordered.map(({ part, etag }) => ({ PartNumber: part, ETag: etag })) },
    });
    try {
      const { VersionId: versionId } = await this.client.send(command);
      return await this.version(at.bucket, at.key, versionId);
    } catch (error) {
      // Ceph says 500 of an upload that it does not know, and any store may say 500 after having completed: the upload tells
      const refused = refusedPart(error, doing);
      const gone = codeOf(error) === 'NoSuchUpload' || (refused instanceof StorageUnavailable && !(await this.isOpen(at)));
      if (!gone) throw refused;
    }
    const [only, ...others] = await this.versionsOf(at.bucket, at.key);
    if (only === undefined) throw new PartRefused('unknown-upload', `no such upload of ${at.key}, and no version of it`);
    if (others.length > 0) throw new PartRefused('unknown-upload', `no such upload, and ${at.key} has several versions`);
    return only;
  }

  /** Drops the parts. Repeating it, or aborting what was completed, changes nothing. */
  async abortMultipart(at: MultipartUpload): Promise<void> {
    const command = new AbortMultipartUploadCommand({ Bucket: at.bucket, Key: at.key, UploadId: at.uploadId });
    try {
      await this.client.send(command);
    } catch (error) {
      if (codeOf(error) !== 'NoSuchUpload') throw translated(error, `aborting the upload of ${at.key}`);
    }
  }

  async put(bucket: string, key: string, body: Buffer, contentType: string): Promise<StoredVersion> {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentLength: body.length,
      ContentType: contentType,
      ...this.encrypted(),
    });
    const { VersionId: versionId } = await this.asking(`storing ${key}`, () => this.client.send(command));
    return { bucket, key, versionId: versionId ?? 'null', size: body.length };
  }

  /** Stores a local file: in one call up to 16 MiB, above that in parts, a few at a time, so memory does not grow with the file. */
  async putFile(bucket: string, key: string, path: string, contentType: string): Promise<StoredVersion> {
    return uploadFile(this, { bucket, key, contentType }, path);
  }

  /**
   * Without a version id: the newest. A range beyond the end is cut there.
   * @throws ObjectMissing, RangeUnsatisfiable
   */
  async open(at: { bucket: string; key: string; versionId?: string }, range?: ByteRange): Promise<OpenedObject> {
    const command = new GetObjectCommand({
      Bucket: at.bucket,
      Key: at.key,
      ...(at.versionId === undefined ? {} : { VersionId: at.versionId }),
      ...(range === undefined ? {} : { Range: `bytes=${String(range.start)}-${String(range.end)}` }),
    });
    const answer = await this.asking(`reading ${at.key}`, () => this.client.send(command));
    if (!(answer.Body instanceof Readable)) throw new Error(`The object store gave no body for ${at.key}`);
    const length = given(answer.ContentLength, 'Content-Length');
    const whole = answer.ContentRange === undefined ? length : Number(answer.ContentRange.split('/')[1]);
    return { stream: answer.Body, size: whole, length, contentType: answer.ContentType ?? 'application/octet-stream' };
  }

  /**
   * Locks the version at least until then and at least so strictly; what it has already is never shortened or loosened.
   * From GOVERNANCE to COMPLIANCE needs a key that may bypass governance, because S3 counts every change of mode as an override.
   */
  async retainUntil(version: StoredVersion, until: Date, mode: 'GOVERNANCE' | 'COMPLIANCE'): Promise<void> {
    const current = await this.retention(version);
    const strictest = current?.mode === 'COMPLIANCE' ? 'COMPLIANCE' : mode;
    if (current !== undefined && current.until >= until && current.mode === strictest) return;
    const command = new PutObjectRetentionCommand({
      Bucket: version.bucket,
      Key: version.key,
      VersionId: version.versionId,
      Retention: { Mode: strictest, RetainUntilDate: current !== undefined && current.until > until ? current.until : until },
      ...(current !== undefined && current.mode !== strictest ? { BypassGovernanceRetention: true } : {}),
    });
    await this.asking(`retaining ${version.key}`, () => this.client.send(command));
  }

  /** How long and how strictly the version is locked; undefined when it is not. */
  async retention(version: StoredVersion): Promise<{ mode: string; until: Date } | undefined> {
    const command = new GetObjectRetentionCommand({ Bucket: version.bucket, Key: version.key, VersionId: version.versionId });
    try {
      const { Retention: found } = await this.client.send(command);
      return found?.Mode && found.RetainUntilDate ? { mode: found.Mode, until: found.RetainUntilDate } : undefined;
    } catch (error) {
      if (codeOf(error) === 'NoSuchObjectLockConfiguration') return undefined;
      throw translated(error, `reading the retention of ${version.key}`);
    }
  }

  /** Every version under the prefix, ordered by key, those of keys behind `after` only; a delete marker is one with `deleted` set and size 0. */
  async *listVersions(bucket: string, prefix: string, after?: string): AsyncGenerator<StoredVersion & { deleted: boolean }> {
    let from: { KeyMarker: string; VersionIdMarker?: string } | undefined =
      after === undefined ? undefined : { KeyMarker: after };
    do {
      const command = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...from });
      const page = await this.asking(`listing versions under ${prefix}`, () => this.client.send(command));
      for (const found of page.Versions ?? []) {
        const versionId = found.VersionId ?? 'null';
        yield { bucket, key: given(found.Key, 'Key'), versionId, size: given(found.Size, 'Size'), deleted: false };
      }
      for (const marker of page.DeleteMarkers ?? []) {
        yield { bucket, key: given(marker.Key, 'Key'), versionId: marker.VersionId ?? 'null', size: 0, deleted: true };
      }
      from = page.IsTruncated === true ? nextPage(page) : undefined;
    } while (from !== undefined);
  }

  /** False also when nobody can tell: then the fault that led to the question stands. */
  private async isKnownGone(at: MultipartUpload): Promise<boolean> {
    try {
      return !(await this.isOpen(at, AbortSignal.timeout(KNOWN_GONE_WITHIN_MS)));
    } catch {
      return false;
    }
  }

  private async isOpen(at: MultipartUpload, signal?: AbortSignal): Promise<boolean> {
    const command = new ListPartsCommand({ Bucket: at.bucket, Key: at.key, UploadId: at.uploadId, MaxParts: 1 });
    try {
      await this.client.send(command, signal === undefined ? {} : { abortSignal: signal });
      return true;
    } catch (error) {
      // NoSuchKey is Ceph's word for it here
      if (codeOf(error) === 'NoSuchUpload' || codeOf(error) === 'NoSuchKey') return false;
      throw translated(error, `looking for the upload of ${at.key}`);
    }
  }

  /** Some stores name no version in their answer to a completion: then it is the newest. */
  private async version(bucket: string, key: string, named: string | undefined): Promise<StoredVersion> {
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ...(named === undefined ? {} : { VersionId: named }) });
    const head = await this.asking(`looking at ${key}`, () => this.client.send(command));
    return { bucket, key, versionId: named ?? head.VersionId ?? 'null', size: given(head.ContentLength, 'Content-Length') };
  }

  private async versionsOf(bucket: string, key: string): Promise<StoredVersion[]> {
    const found: StoredVersion[] = [];
    for await (const { deleted, ...version } of this.listVersions(bucket, key)) {
      if (!deleted && version.key === key) found.push(version);
    }
    return found;
  }

  private encrypted(): { ServerSideEncryption?: Encryption['algorithm']; SSEKMSKeyId?: string } {
    if (this.encryption === undefined) return {};
    const { algorithm, kmsKeyId } = this.encryption;
    return { ServerSideEncryption: algorithm, ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }) };
  }

  private async asking<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw translated(error, doing);
    }
  }
}

function connect(
  { endpoint, region, accessKeyId, secretAccessKey }: StoreOptions,
  patience: { requestTimeout: number; throwOnRequestTimeout: boolean } | { socketTimeout: number },
): S3Client {
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    // Anything else makes the SDK send aws-chunked trailers, which Ceph answers with 411
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // For it the SDK opens a connection for every part, and waits a round trip, to spare a body that is refused: ours are not
    expectContinueHeader: false,
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 5_000,
      ...patience,
      httpAgent: { keepAlive: true, maxSockets: 128 },
      httpsAgent: { keepAlive: true, maxSockets: 128 },
    },
  });
}

function nextPage(page: ListObjectVersionsCommandOutput): { KeyMarker: string; VersionIdMarker?: string } {
  const version = page.NextVersionIdMarker;
  return {
    KeyMarker: given(page.NextKeyMarker, 'NextKeyMarker'),
    ...(version === undefined ? {} : { VersionIdMarker: version }),
  };
}

function refusedPart(error: unknown, doing: string): unknown {
  const known = translated(error, doing);
  if (known !== error) return known;
  switch (codeOf(error)) {
    case 'XAmzContentSHA256Mismatch':
    case 'BadDigest':
      return new PartRefused('digest', `its bytes are not those of the declared SHA-256, while ${doing}`, error);
    case 'NoSuchUpload':
      return new PartRefused('unknown-upload', `no such upload, while ${doing}`, error);
    case 'InvalidPart':
    case 'InvalidPartOrder':
    case 'EntityTooSmall':
      return new PartRefused('other-parts', `the store has other parts, while ${doing}`, error);
    case undefined:
      return error;
    default:
      return new PartRefused('other', `${codeOf(error) ?? ''} while ${doing}`, error);
  }
}

/** We, not the store, ended it. */
function gaveUp(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The object store left ${what} out of its answer`);
  return value;
}
