import { Injectable } from '@nestjs/common';
import { NotSealed, OriginalFiles, RecordingsService, type Recording } from '#evidence';
import type { Caller, PersonActor } from '#identity';
import { NotFound } from '#platform';
import type { ByteSpan } from '#custody';
import type { Purpose } from '../requests/access-request.rules.js';
import { byteRange } from './original-range.rules.js';
import { ViewingDeliveries, type DeliveredFile } from './viewing-deliveries.service.js';
import { ViewingOpening, type OpenedViewing } from './viewing-opening.service.js';
import { BeyondTheEnd } from './viewing-problems.js';
import { ViewingsService } from './viewings.service.js';

export interface OpenedOriginal extends OpenedViewing {
  readonly recording: Recording;
}

/** A part of the original, or all of it. */
export interface OriginalPart {
  readonly recording: Recording;
  /** Strong, with its quotes; null when the stored bytes are known not to be what was sealed. RFC 9110 §8.8.3 */
  readonly etag: string | null;
  /** Null when the whole file is sent. */
  readonly part: ByteSpan | null;
  readonly open: () => Promise<DeliveredFile>;
}

const CONTENT_TYPE = 'application/octet-stream';

/** Viewings of original files: the very bytes that were sealed, playable or not. */
@Injectable()
export class Originals {
  constructor(
    private readonly opening: ViewingOpening,
    private readonly viewings: ViewingsService,
    private readonly deliveries: ViewingDeliveries,
    private readonly recordings: RecordingsService,
    private readonly files: OriginalFiles,
  ) {}

  /** @throws NotFound, NotSealed, and what ViewingOpening throws */
  async open(id: string, purpose: Purpose, actor: PersonActor, caller: Caller): Promise<OpenedOriginal> {
    const recording = await this.recordings.get(id);
    if (recording.state !== 'sealed') throw new NotSealed(recording.state, recording.reason);
    const opened = await this.opening.open({ recording: id, of: 'original', renditionId: null, purpose }, actor, caller);
    return { ...opened, recording };
  }

  /**
   * What the headers `Range` and `If-Range` ask for; nothing is sent, and nothing on record, before `open`.
   * @throws NotFound when the viewing is not one of an original; BeyondTheEnd
   */
  async part(
    viewing: string,
    asked: { readonly range: string | undefined; readonly ifRange: string | undefined },
    caller: Caller,
  ): Promise<OriginalPart> {
    const { of, recordingId } = await this.viewings.get(viewing);
    if (of !== 'original') throw new NotFound('original in this viewing');
    const recording = await this.recordings.get(recordingId);
    const { size, fixityFailedAt } = recording;
    const etag = fixityFailedAt === null ? `"${recording.sha256.toString('hex')}"` : null;
    const bytes = byteRange(asked, { size, etag });
    if (bytes.kind === 'beyond') throw new BeyondTheEnd(size);
    const { span } = bytes;
    const sent = {
      name: 'original',
      startMs: null,
      durationMs: null,
      firstByte: span?.first ?? 0,
      size: span === null ? 0 : span.last - span.first + 1,
      contentType: CONTENT_TYPE,
    };
    const open = (): Promise<DeliveredFile> =>
      this.deliveries.send(
        viewing,
        sent,
        () => this.files.open(recording, bytes.kind === 'part' ? bytes.span : undefined),
        caller,
        'original',
      );
    return { recording, etag, part: bytes.kind === 'part' ? bytes.span : null, open };
  }
}
