import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { DelegationsService } from './delegations.service.js';

/** The delegation named by the path's `:id`; what is refused about it goes on the record of whoever gave it. */
@Injectable()
export class DelegationLoader implements ResourceLoader {
  constructor(private readonly delegations: DelegationsService) {}

  async load(request: Incoming): Promise<Resource> {
    const { fromId } = await this.delegations.get(uuidOf(request, 'id'));
    return { kind: 'own', recording: fromId, owner: fromId };
  }
}
