import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { Footage } from './footage.service.js';
import { factsOf, GrantsService } from './grants.service.js';
import { StandingGrants } from './standing-grants.service.js';

/** The footage of the recording named by the path's `:id`, with the caller's best grant for it, or the one that a standing rule would give. */
@Injectable()
export class FootageLoader implements ResourceLoader {
  constructor(
    private readonly footage: Footage,
    private readonly grants: GrantsService,
    private readonly standing: StandingGrants,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const facts = await this.footage.facts(uuidOf(request, 'id'));
    if (actor.kind !== 'person') return { kind: 'footage', grant: null, ...facts };
    const best = await this.grants.best(actor, facts);
    const grant = await this.standing.orFitting(best, actor, facts, request.body);
    return { kind: 'footage', grant: grant === null ? null : factsOf(grant), ...facts };
  }
}
