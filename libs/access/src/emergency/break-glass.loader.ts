import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { BreakGlassReviews } from './break-glass-reviews.service.js';

/** The access taken in an emergency that the path's `:id` names, and who may review it. */
@Injectable()
export class BreakGlassLoader implements ResourceLoader {
  constructor(private readonly reviews: BreakGlassReviews) {}

  async load(request: Incoming, { actor }: Caller): Promise<Resource> {
    return this.reviews.facts(uuidOf(request, 'id'), actor);
  }
}
