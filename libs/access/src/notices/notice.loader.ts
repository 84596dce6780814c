import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { NoticesService } from './notices.service.js';

/** The notice named by the path's `:id`. A refusal goes on the record of whoever tried: a notice is about many things, but no subject itself. */
@Injectable()
export class NoticeLoader implements ResourceLoader {
  constructor(private readonly notices: NoticesService) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    const { personId } = await this.notices.get(uuidOf(request, 'id'));
    return { kind: 'own', recording: 'id' in actor ? actor.id : personId, owner: personId };
  }
}
