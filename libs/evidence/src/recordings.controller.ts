import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, decide, Forbidden, type Actor, type Caller, type Person } from '#identity';
import type { Probe } from '#media';
import { Clock } from '#platform';
import { officerDiffers } from './recording-officers.rules.js';
import { RecordingOfficers } from './recording-officers.service.js';
import type { Recording } from './recording.entity.js';
import { RecordingLoader } from './recording.loader.js';
import { CaseContentsService, type CaseOfRecording } from './case-contents.service.js';
import { RecordingSearches } from './recording-search.service.js';
import { endsAfterItBegins, ENDS_TOO_EARLY, SEARCH_QUERY, toVicinity } from './recording-search.schema.js';
import { RecordingsService } from './recordings.service.js';
import type { Rendition } from './rendition.entity.js';

const ListQuery = z
  .strictObject({
    ...SEARCH_QUERY,
    state: z.enum(['receiving', 'sealing', 'sealed', 'quarantined', 'expired']).optional(),
    /** Those whose stored version is no longer what was sealed. */
    fixity: z.literal('failed').optional(),
    after: z.uuid().optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  })
  .refine(endsAfterItBegins, ENDS_TOO_EARLY)
  .refine(({ near, radiusM }) => (near === undefined) === (radiusM === undefined), 'near and radiusM go together')
  .transform(({ near, radiusM, ...rest }) => ({
    ...rest,
    near: near === undefined || radiusM === undefined ? undefined : toVicinity(near.lat, near.lon, radiusM),
  }));

export interface RecordingView {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly origin: string;
  readonly camera: string | null;
  readonly counter: number | null;
  /** The badge that the dock signed. */
  readonly officer: string | null;
  /** Who had the camera at the time, by what the register of cameras says now. */
  readonly assignedOfficer: { readonly id: string; readonly name: string; readonly badge: string | null } | null;
  /** The register names another person than the recording does. */
  readonly officerDiffers: boolean;
  readonly recordedAt: string;
  readonly clockOffsetMs: number;
  readonly preEventSeconds: number | null;
  readonly category: string | null;
  readonly flagged: boolean;
  readonly gpsPoints: number;
  readonly state: string;
  readonly reason: string | null;
  readonly parent: string | null;
  readonly announcedAt: string;
  readonly sealedAt: string | null;
  /** Of a redaction: when it was released; null until then, and of an original. */
  readonly releasedAt: string | null;
  readonly fixity: { readonly dueAt: string | null; readonly checkedAt: string | null; readonly failedAt: string | null };
  /** What is in the file. All its tracks (`technical`) only where one recording is asked for. Null until it is sealed. */
  readonly media: Omit<Probe, 'tags'> | null;
  /** Those it is in, open or closed, but for those that the reader is named as the subject of; null to whoever may not read cases. */
  readonly cases: readonly CaseOfRecording[] | null;
  readonly playback: { readonly state: string; readonly reason: string | null } | null;
}

/** Tags (location, titles) and positions are footage content and stay out of it. */
function view(
  recording: Recording,
  rendition: Rendition | null | undefined,
  assigned: Person | null,
  cases: readonly CaseOfRecording[] | null,
): RecordingView {
  const { tags: _, ...media } = recording.probe ?? { tags: {} };
  return {
    id: recording.id,
    name: recording.name,
    size: recording.size,
    sha256: recording.sha256.toString('hex'),
    origin: recording.origin,
    camera: recording.camera,
    counter: recording.counter,
    officer: recording.officerBadge,
    assignedOfficer: assigned === null ? null : { id: assigned.id, name: assigned.name, badge: assigned.badge },
    officerDiffers: officerDiffers(recording, assigned),
    recordedAt: recording.recordedAt.toISOString(),
    clockOffsetMs: recording.clockOffsetMs,
    preEventSeconds: recording.preEventSeconds,
    category: recording.category,
    flagged: recording.flagged,
    gpsPoints: recording.gpsTrack?.length ?? 0,
    state: recording.state,
    reason: recording.reason,
    parent: recording.parentId,
    announcedAt: recording.announcedAt.toISOString(),
    sealedAt: recording.sealedAt?.toISOString() ?? null,
    releasedAt: recording.releasedAt?.toISOString() ?? null,
    fixity: {
      dueAt: recording.fixityDueAt?.toISOString() ?? null,
      checkedAt: recording.fixityCheckedAt?.toISOString() ?? null,
      failedAt: recording.fixityFailedAt?.toISOString() ?? null,
    },
    media: 'container' in media ? media : null,
    cases,
    playback: rendition === null || rendition === undefined ? null : { state: rendition.state, reason: rendition.reason },
  };
}

/** A list of two hundred files of sixty-four tracks each would be read by nobody. */
function withoutTracks({ media, ...rest }: RecordingView): RecordingView {
  if (media === null) return { ...rest, media };
  const { technical: _, ...brief } = media;
  return { ...rest, media: brief };
}

@ApiTags('recordings')
@Controller('api/recordings')
export class RecordingsController {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly searches: RecordingSearches,
    private readonly cases: CaseContentsService,
    private readonly officers: RecordingOfficers,
    private readonly clock: Clock,
  ) {}

  /**
   * Newest first: by arrival, or by true time where a period is asked for. Whoever may not read any recording sees their own. With a place a page may
   * be shorter than asked for while `next` says where to go on.
   */
  @Get()
  @Asks('recording.list')
  async list(
    @Query({ schema: ListQuery }) { after, limit, ...filter }: z.output<typeof ListQuery>,
    @By() { actor }: Caller,
  ): Promise<{ recordings: RecordingView[]; next: string | null }> {
    const mayReadAny = decide(actor, 'recording.read', { kind: 'none' }, { now: this.clock.now() }).allowed;
    const ownedBy = mayReadAny || !('id' in actor) ? undefined : actor.id;
    if (filter.case !== undefined) {
      const about = { kind: 'matter', recording: filter.case, subjects: await this.cases.named(filter.case) } as const;
      const decision = decide(actor, 'case.read', about, { now: this.clock.now() });
      if (!decision.allowed) throw new Forbidden(decision.reason);
    }
    const { recordings, next } = await this.searches.list({ ...filter, ownedBy }, { after, limit });
    const ids = recordings.map(({ id }) => id);
    const renditions = await this.recordings.renditionsOf(ids);
    const cases = await this.casesOf(ids, actor);
    const assigned = await this.officers.assigned(recordings);
    const views = recordings.map((recording, i) =>
      withoutTracks(view(recording, renditions.get(recording.id), assigned[i] ?? null, cases(recording.id))),
    );
    return { recordings: views, next };
  }

  @Get(':id')
  @Asks('recording.read', RecordingLoader)
  async read(@Param('id') id: string, @By() { actor }: Caller): Promise<RecordingView> {
    const recording = await this.recordings.get(id);
    const [assigned = null] = await this.officers.assigned([recording]);
    const cases = await this.casesOf([id], actor);
    return view(recording, await this.recordings.renditionOf(id), assigned, cases(id));
  }

  /** What a case is called may tell an officer what they are not to know yet. */
  private async casesOf(ids: readonly string[], actor: Actor): Promise<(recording: string) => readonly CaseOfRecording[] | null> {
    if (!decide(actor, 'case.read', { kind: 'none' }, { now: this.clock.now() }).allowed) return () => null;
    const found = await this.cases.casesOf(ids, actor.kind === 'person' ? actor.human : null);
    return (recording) => found.get(recording) ?? [];
  }
}
