import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { AccessRequestsService } from './access-requests.service.js';

/** The access request named by the path's `:id`. */
@Injectable()
export class AccessRequestLoader implements ResourceLoader {
  constructor(private readonly requests: AccessRequestsService) {}

  async load(request: Incoming): Promise<Resource> {
    return this.requests.facts(uuidOf(request, 'id'));
  }
}
