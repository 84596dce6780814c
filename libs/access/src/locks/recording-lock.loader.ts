import { Injectable } from '@nestjs/common';
import { RecordingOfficers, RecordingsService } from '#evidence';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { UnitOfWork } from '#platform';
import { RecordingLocksService } from './recording-locks.service.js';

/** The lock named by the path's `:id`. */
@Injectable()
export class RecordingLockLoader implements ResourceLoader {
  constructor(private readonly locks: RecordingLocksService) {}

  async load(request: Incoming): Promise<Resource> {
    return this.locks.facts(uuidOf(request, 'id'));
  }
}

/** The recording named by the path's `:id`, and whom it shows: they are not to lock others out of it. */
@Injectable()
export class LockableRecordingLoader implements ResourceLoader {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const recording = await this.recordings.get(uuidOf(request, 'id'));
    return { kind: 'matter', recording: recording.id, subjects: await this.officers.shown([recording], this.unitOfWork.reader) };
  }
}
