import { Injectable } from '@nestjs/common';
import { UnitOfWork, type JobHandler } from '#platform';
import { ObjectStore } from '#storage';
import { Recording } from './recording.entity.js';

/** Job `drop-upload`: what the store still holds of an upload that was given up. Dropping it again changes nothing. */
@Injectable()
export class DropUploadProcessor implements JobHandler {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
  ) {}

  async run(recordingId: string): Promise<void> {
    const { state, bucket, key, uploadId } = await this.unitOfWork.reader.findOneByOrFail(Recording, { id: recordingId });
    if (state !== 'expired' || uploadId === null) return;
    await this.store.abortMultipart({ bucket, key, uploadId });
    await this.unitOfWork.reader.update(Recording, { id: recordingId, uploadId }, { uploadId: null });
  }

  /** Only when the worker dies of it: else it is tried until the store does it. */
  async gaveUp(): Promise<void> {}
}
