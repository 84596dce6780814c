import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { JobBoard } from '#platform';
import { factsOf } from './recording.loader.js';
import { RecordingsService } from './recordings.service.js';

/** The recording that the job named by the path's `:id` is about. */
@Injectable()
export class JobLoader implements ResourceLoader {
  constructor(
    private readonly board: JobBoard,
    private readonly recordings: RecordingsService,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const { recording } = await this.board.get(uuidOf(request, 'id'));
    return recording === null ? { kind: 'none' } : factsOf(await this.recordings.get(recording));
  }
}
