import { Injectable } from '@nestjs/common';
import { uuidOf, type Caller, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { DisclosuresService } from './disclosures.service.js';

/** The disclosure named by the path's `:id`. */
@Injectable()
export class DisclosureLoader implements ResourceLoader {
  constructor(private readonly disclosures: DisclosuresService) {}

  async load(request: Incoming): Promise<Resource> {
    const { disclosure, items } = await this.disclosures.get(uuidOf(request, 'id'));
    return this.disclosures.facts(disclosure, items);
  }
}

/** The same, for what those whom it shows have no part in. */
@Injectable()
export class DisclosureMatterLoader implements ResourceLoader {
  constructor(private readonly disclosures: DisclosuresService) {}

  async load(request: Incoming): Promise<Resource> {
    const { disclosure, items } = await this.disclosures.get(uuidOf(request, 'id'));
    return {
      kind: 'matter',
      recording: items[0]?.recordingId ?? disclosure.id,
      subjects: await this.disclosures.subjects(items),
    };
  }
}

/** The disclosure that the recipient came in for; nothing for anybody else. */
@Injectable()
export class DisclosedLoader implements ResourceLoader {
  constructor(private readonly disclosures: DisclosuresService) {}

  async load(_: Incoming, { actor }: Caller): Promise<Resource> {
    if (actor.kind !== 'recipient') return { kind: 'none' };
    const { disclosure, items } = await this.disclosures.get(actor.id);
    return this.disclosures.facts(disclosure, items);
  }
}
