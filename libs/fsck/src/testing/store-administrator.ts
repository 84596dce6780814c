import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Config } from '#platform';
import { StoredObjects } from '../stored-objects.js';

/** Does to a test's buckets what an administrator of the store can, who may bypass the governance that they are locked by. */
export class StoreAdministrator {
  /** As fsck looks at them. */
  readonly objects: StoredObjects;
  private readonly client: S3Client;

  constructor({
    S3_ENDPOINT: endpoint,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  }: Config) {
    this.objects = new StoredObjects({ endpoint, region, accessKeyId, secretAccessKey });
    this.client = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
  }

  close(): void {
    this.objects.close();
    this.client.destroy();
  }

  /** Newest first, as `key` and `versionId`. */
  async versions(bucket: string, prefix: string): Promise<{ key: string; versionId: string }[]> {
    const { Versions: found = [] } = await this.client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
    return found.map(({ Key: key = '', VersionId: versionId = '' }) => ({ key, versionId }));
  }

  async put(bucket: string, key: string, bytes: Uint8Array): Promise<string> {
    const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length });
    return (await this.client.send(put)).VersionId ?? '';
  }

  /** For good; without a version it is a delete marker that is put over it. */
  async delete(bucket: string, key: string, versionId?: string): Promise<void> {
    const version = versionId === undefined ? {} : { VersionId: versionId, BypassGovernanceRetention: true };
    await this.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, ...version }));
  }

  /** What is put from now on is locked no more. */
  async lockNothing(bucket: string): Promise<void> {
    const nothing = { ObjectLockEnabled: 'Enabled' } as const;
    await this.client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: nothing }));
  }
}
