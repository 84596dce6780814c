import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import type { SampleFile } from './sample-file.js';

const PARTS_AT_ONCE = 4;

/** The reference: the same bytes by the AWS SDK straight into the same bucket, four parts in parallel, with nothing in between. */
export class PlainUpload {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(env: Readonly<Record<string, string>>) {
    this.bucket = env['S3_EVIDENCE_BUCKET'] ?? '';
    this.client = new S3Client({
      endpoint: env['S3_ENDPOINT'] ?? '',
      region: env['S3_REGION'] ?? '',
      credentials: { accessKeyId: env['S3_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['S3_SECRET_ACCESS_KEY'] ?? '' },
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  }

  close(): void {
    this.client.destroy();
  }

  async store(key: string, file: SampleFile, partSize: number): Promise<void> {
    const at = { Bucket: this.bucket, Key: key };
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(at));
    const parts: { PartNumber: number; ETag?: string }[] = [];
    let next = 1;
    const sender = async (): Promise<void> => {
      for (let part = next++; (part - 1) * partSize < file.size; part = next++) {
        const Body = file.read((part - 1) * partSize, Math.min(part * partSize, file.size));
        const sent = await this.client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: part, Body }));
        parts.push({ PartNumber: part, ...(sent.ETag === undefined ? {} : { ETag: sent.ETag }) });
      }
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, sender));
    parts.sort((a, b) => a.PartNumber - b.PartNumber);
    await this.client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: parts } }));
  }
}
