import { Injectable } from '@nestjs/common';
import { RecordingOfficers, RecordingsService } from '#evidence';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { NotFound, UnitOfWork } from '#platform';
import { GrantsService } from './grants.service.js';

/** The recording that the grant named by the path's `:id` is for, and whom it shows. */
@Injectable()
export class GrantLoader implements ResourceLoader {
  constructor(
    private readonly grants: GrantsService,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const grant = await this.grants.get(uuidOf(request, 'id'));
    if (grant === null) throw new NotFound('grant');
    const recording = await this.recordings.get(grant.recordingId);
    return { kind: 'matter', recording: recording.id, subjects: await this.officers.shown([recording], this.unitOfWork.reader) };
  }
}
