import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { Clock, NotFound, UnitOfWork } from '#platform';
import { AccessRequest } from './access-request.entity.js';
import { AccessRequestItems } from './access-request-items.service.js';
import { DelegationsService } from './delegations.service.js';

/** The access request named by the path's `:id`, for whoever would decide on it. */
@Injectable()
export class AccessRequestLoader implements ResourceLoader {
  constructor(
    private readonly items: AccessRequestItems,
    private readonly delegations: DelegationsService,
    private readonly clock: Clock,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const id = uuidOf(request, 'id');
    if (actor.kind !== 'person') return this.items.facts(id);
    const principals = (await this.delegations.principals([actor.id], this.clock.now())).get(actor.id) ?? [];
    return this.items.facts(
      id,
      principals.map(({ role }) => role),
    );
  }
}

/** The same for whoever made it. A draft is about no recording yet: what is refused about it goes on the record of whoever tried. */
@Injectable()
export class OwnRequestLoader implements ResourceLoader {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly items: AccessRequestItems,
  ) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const id = uuidOf(request, 'id');
    const found = await this.unitOfWork.reader.findOneBy(AccessRequest, { id });
    if (found === null) throw new NotFound('access request');
    const recording = (await this.items.first(id)) ?? ('id' in actor ? actor.id : id);
    return { kind: 'own', recording, owner: found.requestedBy };
  }
}
