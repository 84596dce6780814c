import { Global, Inject, Injectable, Logger, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '#platform';
import { ObjectStore, type Encryption } from './object-store.js';

/** A store that would let an original be overwritten or lost is refused before the first byte of evidence reaches it. */
export class StoreUnfitForEvidence extends Error {
  constructor(bucket: string, failed: readonly string[]) {
    super(`The object store cannot be trusted with evidence: bucket ${bucket} lacks ${failed.join(', ')}.`);
  }
}

/** Prepares and probes the buckets at start. STACK.md: a store is probed before it is trusted, on the multipart path too. */
@Injectable()
export class BucketsAtStart implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Storage');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: ObjectStore,
  ) {}

  async onModuleInit(): Promise<void> {
    const {
      S3_EVIDENCE_BUCKET: evidence,
      S3_RENDITION_BUCKET: renditions,
      S3_DISCLOSURE_BUCKET: disclosures,
      OBJECT_LOCK_MODE: mode,
      OBJECT_LOCK_DAYS: days,
    } = this.config;
    await this.store.ensureBucket(evidence, { mode, days });
    await this.store.ensureBucket(renditions);
    await this.store.ensureBucket(disclosures, { mode, days });
    const failed = await this.store.probeEvidenceBucket(evidence);
    if (failed.length > 0) throw new StoreUnfitForEvidence(evidence, failed);
    const encrypted = this.config.S3_ENCRYPTION === 'none' ? '' : `, encrypted (${this.config.S3_ENCRYPTION})`;
    this.logger.log(`bucket ${evidence} keeps locked versions (${mode}, ${days} days)${encrypted}`);
  }

  onApplicationShutdown(): void {
    this.store.close();
  }
}

function encryptionOf(algorithm: Encryption['algorithm'], kmsKeyId: string | undefined): Encryption {
  return algorithm === 'aws:kms' && kmsKeyId !== undefined ? { algorithm, kmsKeyId } : { algorithm };
}

@Global()
@Module({
  providers: [
    {
      provide: ObjectStore,
      inject: [CONFIG],
      useFactory: (config: Config) =>
        new ObjectStore({
          endpoint: config.S3_ENDPOINT,
          region: config.S3_REGION,
          accessKeyId: config.S3_ACCESS_KEY_ID,
          secretAccessKey: config.S3_SECRET_ACCESS_KEY,
          ...(config.S3_ENCRYPTION === 'none' ? {} : { encryption: encryptionOf(config.S3_ENCRYPTION, config.S3_KMS_KEY_ID) }),
        }),
    },
    BucketsAtStart,
  ],
  exports: [ObjectStore],
})
export class StorageModule {}
