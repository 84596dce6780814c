import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { RecordingsService } from './recordings.service.js';

/** The recording named by the path's `:id`. */
@Injectable()
export class RecordingLoader implements ResourceLoader {
  constructor(private readonly recordings: RecordingsService) {}

  async load(request: Incoming): Promise<Resource> {
    const recording = await this.recordings.get(uuidOf(request, 'id'));
    return {
      kind: 'recording',
      recording: recording.id,
      dock: recording.dockId,
      officer: recording.officerId,
      handedInBy: recording.handedInBy,
      state: recording.state,
    };
  }
}
