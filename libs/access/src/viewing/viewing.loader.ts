import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { ViewingsService } from './viewings.service.js';

/** The viewing named by the path's `:id`, with its grant as it is now. */
@Injectable()
export class ViewingLoader implements ResourceLoader {
  constructor(private readonly viewings: ViewingsService) {}

  async load(request: Incoming): Promise<Resource> {
    return (await this.viewings.standing(uuidOf(request, 'id'))).resource;
  }
}
