import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import {
  GetObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';

export interface StoreAccess {
  /** "https://s3.example.org"; buckets are addressed as its first path segment. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One version of a key; `deleted`: it is a delete marker. */
export interface ListedVersion {
  readonly versionId: string;
  readonly deleted: boolean;
}

export interface ListedKey {
  readonly key: string;
  /** Newest first. */
  readonly versions: readonly ListedVersion[];
}

export interface LockedUntil {
  readonly mode: string;
  readonly until: Date;
}

/** The store gave no answer, or refused one: nothing was found in order, and nothing out of order. */
export class StoreUnreadable extends Error {
  override readonly name = 'StoreUnreadable';
}

/** Of one version that is not locked, or of a bucket that locks nothing: AWS S3, MinIO and Ceph each say it in their way. */
const UNLOCKED = new Set(['NoSuchObjectLockConfiguration', 'ObjectLockConfigurationNotFoundError', 'InvalidRequest']);
const GONE = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound', 'MethodNotAllowed']);

/**
 * An S3 store, to look at only: list, get, head. The rights that it takes are ListBucketVersions, GetObject, GetObjectVersion and
 * GetObjectRetention. Every method throws StoreUnreadable.
 */
export class StoredObjects {
  private readonly client: S3Client;

  constructor({ endpoint, region, accessKeyId, secretAccessKey }: StoreAccess) {
    this.client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 4,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 120_000, throwOnRequestTimeout: true },
    });
  }

  close(): void {
    this.client.destroy();
  }

  /** Every key under the prefix in order, each with all its versions. */
  async *list(bucket: string, prefix: string): AsyncGenerator<ListedKey> {
    let key: { key: string; versions: ListedVersion[] } | undefined;
    for (let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}; from !== undefined;) {
      const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...from });
      const page = await this.asking(`listing ${bucket}/${prefix}`, () => this.client.send(command));
      // Two lists, each in order: what belongs to one key has to be brought together.
      const listed = [
        ...(page.Versions ?? []).map((each) => ({ ...each, deleted: false })),
        ...(page.DeleteMarkers ?? []).map((each) => ({ ...each, deleted: true })),
      ].sort((a, b) => compareBytes(a.Key ?? '', b.Key ?? ''));
      for (const { Key: name = '', VersionId: versionId = 'null', IsLatest: latest, deleted } of listed) {
        if (key !== undefined && key.key !== name) {
          yield key;
          key = undefined;
        }
        key ??= { key: name, versions: [] };
        if (latest === true) key.versions.unshift({ versionId, deleted });
        else key.versions.push({ versionId, deleted });
      }
      from =
        page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
            }
          : undefined;
    }
    if (key !== undefined) yield key;
  }

  /** A version whole, for small ones; undefined when it is not there. */
  async read(at: { bucket: string; key: string; versionId: string }): Promise<{ bytes: Buffer; lock?: LockedUntil } | undefined> {
    return this.unlessGone(`reading ${at.key}`, async () => {
      const command = new GetObjectCommand({ Bucket: at.bucket, Key: at.key, VersionId: at.versionId });
      const { Body: body, ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = await this.client.send(command);
      const bytes = await buffer(streamOf(body));
      const lock = mode !== undefined && until !== undefined ? { mode, until } : await this.lockOf(at);
      return { bytes, ...(lock === undefined ? {} : { lock }) };
    });
  }

  /** What is known of a version without reading it; undefined when it is not there. Without a version id: the newest. */
  async look(at: {
    bucket: string;
    key: string;
    versionId?: string;
  }): Promise<{ versionId: string; size: number; lock?: LockedUntil } | undefined> {
    return this.unlessGone(`looking at ${at.key}`, async () => {
      const version = at.versionId === undefined ? {} : { VersionId: at.versionId };
      const head = await this.client.send(new HeadObjectCommand({ Bucket: at.bucket, Key: at.key, ...version }));
      const {
        VersionId: versionId = 'null',
        ContentLength: size = -1,
        ObjectLockMode: mode,
        ObjectLockRetainUntilDate: until,
      } = head;
      const lock = mode !== undefined && until !== undefined ? { mode, until } : await this.lockOf({ ...at, versionId });
      return { versionId, size, ...(lock === undefined ? {} : { lock }) };
    });
  }

  /** SHA-256 of a version, lowercase hexadecimal; undefined when it is not there. */
  async sha256(at: { bucket: string; key: string; versionId: string }): Promise<string | undefined> {
    return this.unlessGone(`hashing ${at.key}`, async () => {
      const command = new GetObjectCommand({ Bucket: at.bucket, Key: at.key, VersionId: at.versionId });
      const { Body: body } = await this.client.send(command);
      const hash = createHash('sha256');
      await pipeline(streamOf(body), hash);
      return hash.digest('hex');
    });
  }

  private async lockOf(at: { bucket: string; key: string; versionId: string }): Promise<LockedUntil | undefined> {
    const command = new GetObjectRetentionCommand({ Bucket: at.bucket, Key: at.key, VersionId: at.versionId });
    try {
      const { Retention: { Mode: mode, RetainUntilDate: until } = {} } = await this.client.send(command);
      return mode !== undefined && until !== undefined ? { mode, until } : undefined;
    } catch (error) {
      if (UNLOCKED.has(codeOf(error) ?? '')) return undefined;
      throw error;
    }
  }

  private async unlessGone<T>(doing: string, call: () => Promise<T>): Promise<T | undefined> {
    return this.asking(doing, async () => {
      try {
        return await call();
      } catch (error) {
        if (GONE.has(codeOf(error) ?? '')) return undefined;
        throw error;
      }
    });
  }

  private async asking<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw new StoreUnreadable(`The object store gave no answer while ${doing}. (${reasonOf(error)})`, { cause: error });
    }
  }
}

function streamOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new Error('there is no body');
}

/** As S3 sorts keys: by their UTF-8. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof S3ServiceException ? error.name : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' || error.message === 'UnknownError' ? error.name : error.message;
}
