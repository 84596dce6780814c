import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { NotSealed, RecordingsService, RenditionsService } from '#evidence';
import { attribution, type Caller, type PersonActor } from '#identity';
import { missingCascade, type RedactionRegion } from '#media';
import { Clock, CONFIG, NotFound, Outbox, UnitOfWork, type Config } from '#platform';
import { PlanChecks } from './plan-checks.service.js';
import { DetectorMissing, ProposalFaulty, ProposalNotReady, TrackUnknown } from './proposals-problems.js';
import { proposalFaults, regionsOf, spanOf } from './proposals.rules.js';
import { RedactionProposal, type ProposalAsked } from './redaction-proposal.entity.js';

/** Help with drawing a plan. It proposes; a person decides, and what was taken over is on record with model, version and threshold. */
@Injectable()
export class ProposalsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly renditions: RenditionsService,
    private readonly checks: PlanChecks,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
  ) {}

  /** @throws NotFound, NotSealed, ProposalFaulty, NoRendition, DetectorMissing */
  async order(recordingId: string, asked: ProposalAsked, actor: PersonActor, caller: Caller): Promise<RedactionProposal> {
    const recording = await this.recordings.get(recordingId);
    if (recording.state !== 'sealed' || recording.probe === null) throw new NotSealed(recording.state, recording.reason);
    const faults = proposalFaults(asked, recording.probe);
    if (faults.length > 0) throw new ProposalFaulty(faults);
    const missing = asked.kind === 'detect' ? await missingCascade(this.config.DETECTOR_CASCADES_DIR, asked.what) : undefined;
    if (missing !== undefined) throw new DetectorMissing(missing);
    await this.renditions.playable(recordingId);
    const proposal: RedactionProposal = {
      id: uuidv7(),
      recordingId,
      asked,
      authorId: actor.id,
      state: 'running',
      failure: null,
      tracks: null,
      incomplete: false,
      model: null,
      version: null,
      threshold: null,
      createdAt: this.clock.now(),
      finishedAt: null,
    };
    await this.unitOfWork.run(async (tx) => {
      await tx.insert(RedactionProposal, proposal);
      const event = { type: 'redaction.proposal-ordered', proposal: proposal.id, kind: asked.kind, ...spanOf(asked) } as const;
      await this.custody.append(tx, recordingId, event, attribution(caller));
      await this.outbox.add(tx, 'propose', proposal.id, { recording: recordingId, flagged: recording.flagged, awaited: true });
    });
    return proposal;
  }

  /** @throws NotFound */
  async get(id: string): Promise<RedactionProposal> {
    const proposal = await this.unitOfWork.reader.findOneBy(RedactionProposal, { id });
    if (proposal === null) throw new NotFound('redaction proposal');
    return proposal;
  }

  /** Puts on record which tracks a person takes over, and hands them back as a plan wants them. Changes no plan. @throws NotFound, ProposalNotReady, TrackUnknown, PlanFaulty */
  async confirm(
    id: string,
    chosen: { readonly tracks: readonly string[]; readonly reason: string; readonly shape: 'rectangle' | 'ellipse' },
    caller: Caller,
  ): Promise<readonly RedactionRegion[]> {
    const { recordingId, state, failure, tracks, model, version, threshold } = await this.get(id);
    if (tracks === null || model === null || version === null || threshold === null) throw new ProposalNotReady(state, failure);
    const ids = [...new Set(chosen.tracks)];
    const { regions, unknown } = regionsOf(tracks, ids, chosen);
    if (unknown.length > 0) throw new TrackUnknown(unknown);
    // Whoever puts them into a plan shall not learn only then that its reason is not on the agency's list.
    await this.checks.mustFit({ v: 1, regions, mutes: [] }, recordingId);
    const { reason } = chosen;
    await this.unitOfWork.run(async (tx) => {
      const event = {
        type: 'redaction.proposal-confirmed',
        proposal: id,
        tracks: ids,
        reason,
        model,
        version,
        threshold,
      } as const;
      await this.custody.append(tx, recordingId, event, attribution(caller));
    });
    return regions;
  }
}
