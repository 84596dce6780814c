import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { ObjectStore } from '#storage';
import { NotSealed } from './evidence-problems.js';
import type { Recording } from './recording.entity.js';

/** Bytes of sealed originals, for those who have passed the door: only libs/access opens them. */
@Injectable()
export class OriginalFiles {
  constructor(private readonly store: ObjectStore) {}

  /**
   * The locked version, or the bytes `first` to `last` of it, both included and counted from 0. A fault midway is the stream's `error`.
   * @throws NotSealed, StorageUnavailable
   */
  async open(
    { bucket, key, versionId, state, reason }: Recording,
    span?: { readonly first: number; readonly last: number },
  ): Promise<Readable> {
    if (state !== 'sealed' || versionId === null) throw new NotSealed(state, reason);
    const range = span === undefined ? undefined : { start: span.first, end: span.last };
    return (await this.store.open({ bucket, key, versionId }, range)).stream;
  }
}
