import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { ProposalsService } from './proposals.service.js';
import { RecordingToRedactLoader } from './recording-to-redact.loader.js';

/** The recording of the proposal named by the path's `:id`. */
@Injectable()
export class ProposalLoader implements ResourceLoader {
  constructor(
    private readonly proposals: ProposalsService,
    private readonly toRedact: RecordingToRedactLoader,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const { recordingId } = await this.proposals.get(uuidOf(request, 'id'));
    return this.toRedact.about(recordingId);
  }
}
