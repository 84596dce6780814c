import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#platform';
import { ObjectStore, type ByteRange, type StoredVersion } from '#storage';
import { StoredBytesDiffer } from './derived-recordings.service.js';
import { readBack } from './read-back.js';

/** Packages for people outside, in a bucket of their own that locks what is put there. Only libs/access opens them. */
@Injectable()
export class PackageStore {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: ObjectStore,
  ) {}

  /** What is stored, read back, is what was made. @throws StoredBytesDiffer, StorageUnavailable */
  async put(disclosure: string, path: string, sha256: Buffer, signal: AbortSignal): Promise<StoredVersion> {
    // Nobody can guess it, and a job that is begun again writes another one.
    const key = `packages/${disclosure}/${randomBytes(16).toString('hex')}.zip`;
    const version = await this.store.putFile(this.config.S3_DISCLOSURE_BUCKET, key, path, 'application/zip');
    const read = await readBack(this.store, version, { signal });
    if (!read.sha256.equals(sha256)) throw new StoredBytesDiffer('what was stored differs from what was made');
    return version;
  }

  /** @throws ObjectMissing, StorageUnavailable */
  async open(version: Pick<StoredVersion, 'bucket' | 'key' | 'versionId'>, range: ByteRange): Promise<Readable> {
    return (await this.store.open(version, range)).stream;
  }
}
