import { Injectable } from '@nestjs/common';
import { isReleased, RecordingsService } from '#evidence';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { factsOf, GrantsService } from './grants.service.js';

/** The footage of the recording named by the path's `:id`, with the caller's best grant for it. */
@Injectable()
export class FootageLoader implements ResourceLoader {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly grants: GrantsService,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const recording = await this.recordings.get(uuidOf(request, 'id'));
    const grant = actor.kind === 'person' ? await this.grants.best(actor.id, recording.id) : null;
    const facts = grant === null ? null : factsOf(grant);
    return { kind: 'footage', recording: recording.id, grant: facts, released: isReleased(recording) };
  }
}
