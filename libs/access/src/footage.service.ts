import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { isReleased, RecordingsService } from '#evidence';
import type { FootageFacts } from '#identity';
import { UnitOfWork, type Tx } from '#platform';
import { RecordingLock } from './recording-lock.entity.js';

/** What the rules need to know of footage, whoever asks for it. */
@Injectable()
export class Footage {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly recordings: RecordingsService,
  ) {}

  /** @param of the playback copy, or the original file itself. @throws NotFound */
  async facts(
    recordingId: string,
    of: 'playback' | 'original' = 'playback',
    tx: Tx = this.unitOfWork.reader,
  ): Promise<FootageFacts> {
    const recording = await this.recordings.get(recordingId, tx);
    const locks = await tx.findBy(RecordingLock, { recordingId, liftedAt: IsNull() });
    const unredacted = recording.parentId === null && (await this.recordings.hasReleasedRedaction(recordingId, tx));
    return {
      recording: recordingId,
      needs: of === 'original' ? 'export' : unredacted ? 'view-unredacted' : 'view',
      released: isReleased(recording),
      lockedAgainst: locks.map(({ humanId }) => humanId),
    };
  }
}
