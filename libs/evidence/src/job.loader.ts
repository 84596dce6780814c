import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { JobBoard, UnitOfWork } from '#platform';
import { RecordingOfficers } from './recording-officers.service.js';
import { RecordingsService } from './recordings.service.js';

/** The recording that the job named by the path's `:id` is about, and whom it shows. */
@Injectable()
export class JobLoader implements ResourceLoader {
  constructor(
    private readonly board: JobBoard,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const { recording: id } = await this.board.get(uuidOf(request, 'id'));
    if (id === null) return { kind: 'none' };
    const recording = await this.recordings.get(id);
    return { kind: 'matter', recording: id, subjects: await this.officers.shown([recording], this.unitOfWork.reader) };
  }
}
