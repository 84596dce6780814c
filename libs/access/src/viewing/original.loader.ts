import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { Footage } from '../grants/footage.service.js';
import { factsOf, GrantsService } from '../grants/grants.service.js';
import { StandingGrants } from '../grants/standing-grants.service.js';
import { ViewingsService } from './viewings.service.js';

/** The original of the recording named by the path's `:id`, with the caller's best grant for it, or the one that a standing rule would give. */
@Injectable()
export class OriginalLoader implements ResourceLoader {
  constructor(
    private readonly footage: Footage,
    private readonly grants: GrantsService,
    private readonly standing: StandingGrants,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const facts = await this.footage.facts(uuidOf(request, 'id'), 'original');
    if (actor.kind !== 'person') return { kind: 'footage', grant: null, ...facts };
    const best = await this.grants.best(actor, facts);
    const grant = await this.standing.orFitting(best, actor, facts, request.body);
    return { kind: 'footage', grant: grant === null ? null : factsOf(grant), ...facts };
  }
}

/** The viewing named by the path's `:id`, as what is needed of it to fetch the original: also one of a playback copy, whose grant is for less. */
@Injectable()
export class OriginalViewingLoader implements ResourceLoader {
  constructor(private readonly viewings: ViewingsService) {}

  async load(request: Incoming): Promise<Resource> {
    return (await this.viewings.standing(uuidOf(request, 'id'), { of: 'original' })).resource;
  }
}
