import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { CaseContentsService } from './case-contents.service.js';
import { CasesService } from './cases.service.js';

/** The case named by the path's `:id`, with whom it is about. What is refused about it is on its own chain. */
@Injectable()
export class CaseLoader implements ResourceLoader {
  constructor(
    private readonly cases: CasesService,
    private readonly contents: CaseContentsService,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const { id } = await this.cases.get(uuidOf(request, 'id'));
    return { kind: 'matter', recording: id, subjects: await this.contents.subjects(id) };
  }
}

/** The same, for reading it: whom its recordings show may know of it, whom it is said to be about may not. */
@Injectable()
export class CaseReadingLoader implements ResourceLoader {
  constructor(
    private readonly cases: CasesService,
    private readonly contents: CaseContentsService,
  ) {}

  async load(request: Incoming): Promise<Resource> {
    const { id } = await this.cases.get(uuidOf(request, 'id'));
    return { kind: 'matter', recording: id, subjects: await this.contents.named(id) };
  }
}
