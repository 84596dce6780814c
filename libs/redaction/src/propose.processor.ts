import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { RecordingsService, RenditionSpans, RenditionsService, WorkSpace } from '#evidence';
import { system } from '#identity';
import {
  CascadeDetector,
  detectTracks,
  MediaError,
  NoDetector,
  trackBox,
  TRACKING_MODEL,
  Vision,
  type Probe,
  type Span,
  type Track,
} from '#media';
import { Clock, CONFIG, Hopeless, UnitOfWork, type Config, type JobContext, type JobHandler } from '#platform';
import { spanOf } from './proposals.rules.js';
import { RedactionProposal, type ProposalAsked } from './redaction-proposal.entity.js';

const BY = system('proposals');

interface Made {
  readonly tracks: readonly Track[];
  readonly incomplete: boolean;
  readonly model: string;
  readonly version: string;
  readonly threshold: string;
}

/** Job `propose`: looks at the playback copy, which shows what the recording does and is quick to read, and keeps boxes only. */
@Injectable()
export class ProposeProcessor implements JobHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly renditions: RenditionsService,
    private readonly spans: RenditionSpans,
    private readonly workSpace: WorkSpace,
    private readonly clock: Clock,
  ) {}

  async run(id: string, context: JobContext): Promise<void> {
    const { asked, recordingId, state } = await this.unitOfWork.reader.findOneByOrFail(RedactionProposal, { id });
    if (state === 'ready') return;
    const { probe } = await this.recordings.get(recordingId);
    if (probe === null) throw new Hopeless('The recording has no pictures that could be read.');
    const rendition = await this.renditions.playable(recordingId);
    await this.workSpace.with(
      async (folder) => {
        const { fromMs, untilMs } = spanOf(asked);
        const span = await this.spans.fetch(rendition.id, { fromMs, toMs: untilMs }, join(folder, 'span.mp4'), context.signal);
        await this.finish(id, await this.look(asked, span, probe, context));
      },
      { signal: context.signal },
    );
  }

  async gaveUp(id: string, error: Error): Promise<void> {
    const problem =
      error instanceof Hopeless || error instanceof MediaError
        ? error.message
        : 'It could not be looked through; the worker log says why.';
    await this.unitOfWork.run(async (tx) => {
      const proposal = await tx.findOneOrFail(RedactionProposal, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (proposal.state !== 'running') return;
      await tx.update(RedactionProposal, { id }, { state: 'failed', failure: problem, finishedAt: this.clock.now() });
      const event = { type: 'redaction.proposal-failed', proposal: id, problem } as const;
      await this.custody.append(tx, proposal.recordingId, event, BY);
    });
  }

  private async look(asked: ProposalAsked, span: Span, probe: Probe, { signal, progress }: JobContext): Promise<Made> {
    const { tools } = this.workSpace;
    const common = { span, probe, signal, onProgress: progress };
    if (asked.kind === 'track') {
      const track = await trackBox(tools, { ...common, ...asked });
      return { tracks: track.keyframes.length < 2 ? [] : [track], incomplete: false, ...TRACKING_MODEL };
    }
    const vision = new Vision(signal);
    try {
      const detector = await CascadeDetector.load(vision, this.config.DETECTOR_CASCADES_DIR, asked.what);
      const { tracks, cut } = await detectTracks(tools, vision, detector, {
        ...common,
        fromMs: asked.fromMs,
        untilMs: asked.untilMs,
      });
      const { model, version, threshold } = detector;
      return { tracks, incomplete: cut, model, version: `${version}, ${TRACKING_MODEL.version}`, threshold };
    } catch (error) {
      if (error instanceof NoDetector) throw new Hopeless(error.message);
      throw error;
    } finally {
      await vision.close();
    }
  }

  private async finish(id: string, made: Made): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const proposal = await tx.findOneOrFail(RedactionProposal, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (proposal.state === 'ready') return;
      await tx.update(RedactionProposal, { id }, { ...made, state: 'ready', failure: null, finishedAt: this.clock.now() });
      const { model, version, threshold, tracks } = made;
      const event = { type: 'redaction.proposed', proposal: id, tracks: tracks.length, model, version, threshold } as const;
      await this.custody.append(tx, proposal.recordingId, event, BY);
    });
  }
}
