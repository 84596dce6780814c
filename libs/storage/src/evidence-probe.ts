import { createHash, randomUUID } from 'node:crypto';
import { DeleteObjectCommand, GetBucketVersioningCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore, StoredVersion } from './object-store.js';
import { ObjectMissing, PartRefused, StorageUnavailable, statusOf } from './storage-errors.js';

const LOCKED_PREFIX = 'probe/locked-version/';
const DIGEST_KEY = 'probe/part-digest';
const BODY = Buffer.from('Written by Custodiet to see whether this bucket keeps what is locked.\n');
const ONE_HOUR_MS = 3_600_000;

/**
 * Tries on the bucket what evidence depends on, along the same way evidence takes (multipart, default retention), because stores
 * have been seen to accept Object Lock headers there and not to act on them. See ObjectStore.probeEvidenceBucket.
 */
export async function probeEvidenceBucket(client: S3Client, store: ObjectStore, bucket: string): Promise<string[]> {
  const failed: string[] = [];
  if (!(await isVersioned(client, bucket))) failed.push('versioning');
  if (!(await takesEncrypted(store, bucket))) return [...failed, 'encryption'];
  const written = await lockedVersion(client, store, bucket);
  if (!(await isEncrypted(client, store, written))) failed.push('encryption');
  if (!(await lists(store, written))) failed.push('list-versions');
  if (!(await refusesDeletion(client, written))) failed.push('locked-versions');
  if (!(await refusesWrongDigest(store, bucket))) failed.push('part-digests');
  return failed;
}

async function isVersioned(client: S3Client, bucket: string): Promise<boolean> {
  const { Status: status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }));
  return status === 'Enabled';
}

/**
 * Stores without keys refuse what is to be encrypted, some as not implemented. Then nothing else can be tried on the way that evidence
 * would take.
 */
async function takesEncrypted(store: ObjectStore, bucket: string): Promise<boolean> {
  if (store.encryption === undefined) return true;
  try {
    const uploadId = await store.beginMultipart(bucket, DIGEST_KEY, 'text/plain');
    await store.abortMultipart({ bucket, key: DIGEST_KEY, uploadId });
    return true;
  } catch (error) {
    const status = statusOf(error instanceof StorageUnavailable ? error.cause : error);
    if (status === 501 || (status !== undefined && status >= 400 && status < 500)) return false;
    throw error;
  }
}

/** What the store says of the version it keeps, not what it said when it was asked: some say nothing and keep it in the clear. */
async function isEncrypted(client: S3Client, { encryption }: ObjectStore, written: StoredVersion): Promise<boolean> {
  if (encryption === undefined) return true;
  const { bucket: Bucket, key: Key, versionId: VersionId } = written;
  const head = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
  if (head.ServerSideEncryption !== encryption.algorithm) return false;
  // The key may be named by its id and answered by its full name
  return encryption.kmsKeyId === undefined || head.SSEKMSKeyId?.endsWith(encryption.kmsKeyId) === true;
}

/**
 * The version that an earlier probe left, while the store says that it is still retained, else a new one. It carries the bucket's
 * default retention, not a shorter one of its own: it is the default that protects evidence, so it is the default that is tried.
 */
async function lockedVersion(client: S3Client, store: ObjectStore, bucket: string): Promise<StoredVersion> {
  for await (const { deleted, ...earlier } of store.listVersions(bucket, LOCKED_PREFIX)) {
    if (deleted) continue;
    const retention = await retentionOf(store, earlier);
    // The margin keeps a retention that ends by the store's clock, but not yet by ours, from being taken for a broken lock
    const retained = retention !== undefined && retention.until.getTime() > Date.now() + ONE_HOUR_MS;
    // One from before encryption was asked for shows nothing of what is written from now on
    if (retained && !(await isEncrypted(client, store, earlier))) continue;
    if (retained) return earlier;
    await remove(client, earlier);
  }
  const key = LOCKED_PREFIX + randomUUID();
  const at = { bucket, key, uploadId: await store.beginMultipart(bucket, key, 'text/plain') };
  const { etag } = await store.putPart(at, 1, BODY, sha256(BODY));
  return store.completeMultipart(at, [{ part: 1, etag }]);
}

async function retentionOf(store: ObjectStore, version: StoredVersion): Promise<{ until: Date } | undefined> {
  try {
    return await store.retention(version);
  } catch (error) {
    // In a bucket without Object Lock the question itself is refused (400 InvalidRequest), which is an answer
    if (error instanceof ObjectMissing || statusOf(error) === 400) return undefined;
    throw error;
  }
}
async function lists(store: ObjectStore, written: StoredVersion): Promise<boolean> {
  for await (const found of store.listVersions(written.bucket, written.key)) {
    if (found.versionId === written.versionId && found.versionId !== 'null') return true;
  }
  return false;
}

async function refusesDeletion(client: S3Client, written: StoredVersion): Promise<boolean> {
  try {
    await remove(client, written);
    return false;
  } catch (error) {
    // Refused as 403 by AWS and Ceph, as 400 by MinIO: any refusal will do, if the version is there after it
    const status = statusOf(error);
    if (status === undefined || status < 400 || status >= 500) throw error;
  }
  await client.send(new HeadObjectCommand({ Bucket: written.bucket, Key: written.key, VersionId: written.versionId }));
  return true;
}

async function refusesWrongDigest(store: ObjectStore, bucket: string): Promise<boolean> {
  const at = { bucket, key: DIGEST_KEY, uploadId: await store.beginMultipart(bucket, DIGEST_KEY, 'text/plain') };
  try {
    await store.putPart(at, 1, BODY, sha256(Buffer.from('other bytes')));
    return false;
  } catch (error) {
    if (error instanceof PartRefused && error.reason === 'digest') return true;
    throw error;
  } finally {
    await store.abortMultipart(at);
  }
}

async function remove(client: S3Client, version: StoredVersion): Promise<void> {
  await client.send(new DeleteObjectCommand({ Bucket: version.bucket, Key: version.key, VersionId: version.versionId }));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
