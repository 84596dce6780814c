import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { Footage } from './footage.service.js';
import { factsOf, GrantsService } from './grants.service.js';

/** The footage of the recording named by the path's `:id`, with the caller's best grant for it. */
@Injectable()
export class FootageLoader implements ResourceLoader {
  constructor(
    private readonly footage: Footage,
    private readonly grants: GrantsService,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const facts = await this.footage.facts(uuidOf(request, 'id'));
    const grant = actor.kind === 'person' ? await this.grants.best(actor.id, facts.recording) : null;
    return { kind: 'footage', grant: grant === null ? null : factsOf(grant), ...facts };
  }
}
