import { Injectable } from '@nestjs/common';
import { RecordingOfficers, RecordingsService } from '#evidence';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { UnitOfWork } from '#platform';

/** The recording named by the path's `:id`, as a redaction that nobody has begun yet. */
@Injectable()
export class RecordingToRedactLoader implements ResourceLoader {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    return this.about(uuidOf(request, 'id'));
  }

  async about(recordingId: string): Promise<Resource> {
    const recording = await this.recordings.get(recordingId);
    const subjects = await this.officers.shown([recording], this.unitOfWork.reader);
    return { kind: 'redaction', recording: recordingId, authors: [], subjects };
  }
}
