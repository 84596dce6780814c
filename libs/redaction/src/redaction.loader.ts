import { Injectable } from '@nestjs/common';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { RedactionsService } from './redactions.service.js';

/** The redaction named by the path's `:id`. */
@Injectable()
export class RedactionLoader implements ResourceLoader {
  constructor(private readonly redactions: RedactionsService) {}

  async load(request: Incoming): Promise<Resource> {
    const redaction = await this.redactions.get(uuidOf(request, 'id'));
    const { authors, subjects } = await this.redactions.factsOf(redaction);
    return { kind: 'redaction', recording: redaction.recordingId, authors, subjects };
  }
}
