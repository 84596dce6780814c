import {
  CreateBucketCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { BucketNotLockable, codeOf, statusOf } from './storage-errors.js';

export interface LockPolicy {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

/**
 * Makes the bucket if it is not there. With a lock: versioned, Object Lock on, and every new version retained for the policy's days.
 * Repeating it, also from several processes at once, ends in the same state.
 * @throws BucketNotLockable
 */
export async function ensureLockedBucket(client: S3Client, bucket: string, lock: LockPolicy | undefined): Promise<void> {
  if (!(await exists(client, bucket))) await create(client, bucket, lock !== undefined);
  if (lock !== undefined) await setDefaultRetention(client, bucket, lock);
}

async function exists(client: S3Client, bucket: string): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

async function create(client: S3Client, bucket: string, locked: boolean): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket, ...(locked ? { ObjectLockEnabledForBucket: true } : {}) }));
  } catch (error) {
    // Another process was quicker, or is at it this moment (OperationAborted): whether it is ours to use, HEAD tells
    const raced = codeOf(error) === 'OperationAborted' || statusOf(error) === 409;
    if (!raced || !(await exists(client, bucket))) throw error;
  }
}

async function setDefaultRetention(client: S3Client, bucket: string, lock: LockPolicy): Promise<void> {
  const current = await currentLock(client, bucket);
  if (current?.mode === lock.mode && current.days === lock.days) return;
  // Object Lock implies versioning on every store we know; on one where it did not, versions would be lost, so it is said out loud
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  try {
    await client.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: lock.mode, Days: lock.days } },
        },
      }),
    );
  } catch (error) {
    if (codeOf(error) === 'InvalidBucketState') throw new BucketNotLockable(bucket, error);
    throw error;
  }
}

async function currentLock(client: S3Client, bucket: string): Promise<{ mode?: string; days?: number } | undefined> {
  try {
    const { ObjectLockConfiguration: found } = await client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    const rule = found?.Rule?.DefaultRetention;
    return {
      ...(rule?.Mode === undefined ? {} : { mode: rule.Mode }),
      ...(rule?.Days === undefined ? {} : { days: rule.Days }),
    };
  } catch (error) {
    if (codeOf(error) === 'ObjectLockConfigurationNotFoundError') throw new BucketNotLockable(bucket, error);
    throw error;
  }
}
