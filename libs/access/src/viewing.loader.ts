import { Injectable } from '@nestjs/common';
import { isReleased, RecordingsService } from '#evidence';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { NotFound } from '#platform';
import { factsOf, GrantsService } from './grants.service.js';
import { ViewingsService } from './viewings.service.js';

/** The viewing named by the path's `:id`, with its grant as it is now. */
@Injectable()
export class ViewingLoader implements ResourceLoader {
  constructor(
    private readonly viewings: ViewingsService,
    private readonly grants: GrantsService,
    private readonly recordings: RecordingsService,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const viewing = await this.viewings.get(uuidOf(request, 'id'));
    const grant = await this.grants.get(viewing.grantId);
    if (grant === null) throw new NotFound('grant');
    return {
      kind: 'viewing',
      recording: viewing.recordingId,
      person: viewing.personId,
      session: viewing.sessionId,
      closedAt: viewing.closedAt,
      grant: factsOf(grant),
      released: isReleased(await this.recordings.get(viewing.recordingId)),
    };
  }
}
