import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import type { Recording } from './recording.entity.js';
import { RecordingsService } from './recordings.service.js';

/** What the rules need to know of a recording. */
export function factsOf(recording: Recording): Resource {
  return {
    kind: 'recording',
    recording: recording.id,
    dock: recording.dockId,
    officer: recording.officerId,
    handedInBy: recording.handedInBy,
    state: recording.state,
  };
}

/** The recording named by the path's `:id`. */
@Injectable()
export class RecordingLoader implements ResourceLoader {
  constructor(private readonly recordings: RecordingsService) {}

  async load(request: Incoming): Promise<Resource> {
    return factsOf(await this.recordings.get(uuidOf(request, 'id')));
  }
}
