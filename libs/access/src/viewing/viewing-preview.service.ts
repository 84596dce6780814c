import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { RecordingsService, RenditionSpans, WorkSpace } from '#evidence';
import type { Caller } from '#identity';
import { checkPlan, MediaError, renderPreview, type PreviewOf, type RedactionPlan } from '#media';
import { Problem, Unavailable } from '#platform';
import { ViewingDeliveries, type DeliveredFile } from './viewing-deliveries.service.js';
import { ViewingsService } from './viewings.service.js';

/** ffmpeg and its caller have two cores' worth of work each; a third would make everybody wait. */
const AT_ONCE = 2;
const COME_BACK_SECONDS = 2;
/** Of a still: it shows one picture, and the record counts in milliseconds. */
const STILL_MS = 1000 / 30;

export interface PreviewAsked {
  readonly plan: RedactionPlan;
  readonly of: PreviewOf;
  readonly outline: boolean;
}

export class PreviewFaulty extends Problem {
  constructor(faults: readonly string[]) {
    super(422, 'preview-faulty', 'The plan cannot be previewed there', faults.join(' '), { faults });
  }
}

/** Shows what a plan would cover. A preview is footage: it goes through an open viewing, and counts as seen there. DESIGN.md §6 rule 2 */
@Injectable()
export class ViewingPreviews {
  private underWay = 0;

  constructor(
    private readonly viewings: ViewingsService,
    private readonly deliveries: ViewingDeliveries,
    private readonly recordings: RecordingsService,
    private readonly spans: RenditionSpans,
    private readonly workSpace: WorkSpace,
  ) {}

  /** @param signal fires when nobody waits any more. @throws NotFound, Forbidden, PreviewFaulty, Unavailable */
  async render(viewingId: string, asked: PreviewAsked, caller: Caller, signal: AbortSignal): Promise<DeliveredFile> {
    const viewing = await this.viewings.get(viewingId);
    const { renditionId } = viewing;
    if (renditionId === null) throw new PreviewFaulty(['This is a viewing of the original file, which nothing is drawn into.']);
    const { probe } = await this.recordings.get(viewing.recordingId);
    if (probe === null) throw new PreviewFaulty(['The recording has no pictures that could be read.']);
    const last = 'atMs' in asked.of ? asked.of.atMs : asked.of.toMs;
    const late = last > probe.durationMs ? [`${last} ms is beyond the end of the recording at ${probe.durationMs} ms.`] : [];
    const faults = [...checkPlan(asked.plan, probe), ...late];
    if (faults.length > 0) throw new PreviewFaulty(faults);
    // Asked and taken without a pause between, so that no third slips in.
    if (this.underWay >= AT_ONCE)
      throw new Unavailable('Other previews are being drawn at the moment. Try again shortly.', COME_BACK_SECONDS);
    this.underWay += 1;
    try {
      const { contentType, bytes } = await this.workSpace.with(
        async (folder) => {
          const [fromMs, toMs] =
            'atMs' in asked.of ? [asked.of.atMs - STILL_MS, asked.of.atMs] : [asked.of.fromMs, asked.of.toMs];
          const span = await this.spans.fetch(renditionId, { fromMs, toMs }, join(folder, 'span.mp4'), signal);
          return renderPreview(this.workSpace.tools, { span, probe, ...asked, signal });
        },
        { signal },
      );
      const place =
        'atMs' in asked.of
          ? { name: `preview-${asked.of.atMs}`, startMs: asked.of.atMs, durationMs: Math.ceil(STILL_MS) }
          : {
              name: `preview-${asked.of.fromMs}-${asked.of.toMs}`,
              startMs: asked.of.fromMs,
              durationMs: asked.of.toMs - asked.of.fromMs,
            };
      const file = { ...place, size: bytes.length, contentType };
      return await this.deliveries.send(viewingId, file, () => Promise.resolve(Readable.from([bytes])), caller);
    } catch (error) {
      if (error instanceof MediaError && (error.code === 'invalid-plan' || error.code === 'failed'))
        throw new PreviewFaulty([error.message]);
      if (error instanceof MediaError && error.code === 'time-limit')
        throw new Unavailable('The preview took too long to draw. Try again shortly.', COME_BACK_SECONDS);
      throw error;
    } finally {
      this.underWay -= 1;
    }
  }
}
