import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, type Caller } from '#identity';
import type { Probe } from '#media';
import type { Recording } from './recording.entity.js';
import { RecordingLoader } from './recording.loader.js';
import { RecordingsService } from './recordings.service.js';
import type { Rendition } from './rendition.entity.js';

const ListQuery = z.strictObject({
  state: z.enum(['receiving', 'sealing', 'sealed', 'quarantined', 'expired']).optional(),
  camera: z.string().min(1).max(100).optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface RecordingView {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly origin: string;
  readonly camera: string | null;
  readonly counter: number | null;
  readonly officer: string | null;
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
  readonly fixity: { readonly dueAt: string | null; readonly checkedAt: string | null; readonly failedAt: string | null };
  readonly media: Omit<Probe, 'tags'> | null;
  readonly playback: { readonly state: string; readonly reason: string | null } | null;
}

/** Tags (location, titles) and positions are footage content and stay out of it. */
function view(recording: Recording, rendition: Rendition | null | undefined): RecordingView {
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
    fixity: {
      dueAt: recording.fixityDueAt?.toISOString() ?? null,
      checkedAt: recording.fixityCheckedAt?.toISOString() ?? null,
      failedAt: recording.fixityFailedAt?.toISOString() ?? null,
    },
    media: 'container' in media ? media : null,
    playback: rendition === null || rendition === undefined ? null : { state: rendition.state, reason: rendition.reason },
  };
}

@ApiTags('recordings')
@Controller('api/recordings')
export class RecordingsController {
  constructor(private readonly recordings: RecordingsService) {}

  /** Newest first. Somebody who is only an officer sees their own. */
  @Get()
  @Asks('recording.list')
  async list(
    @Query({ schema: ListQuery }) query: z.infer<typeof ListQuery>,
    @By() { actor }: Caller,
  ): Promise<{ recordings: RecordingView[]; next: string | null }> {
    const onlyOfficer = actor.kind === 'person' && actor.roles.every((role) => role === 'officer');
    const { recordings, next } = await this.recordings.list({ ...query, officer: onlyOfficer ? actor.id : undefined });
    const renditions = await this.recordings.renditionsOf(recordings.map((recording) => recording.id));
    return { recordings: recordings.map((recording) => view(recording, renditions.get(recording.id))), next };
  }

  @Get(':id')
  @Asks('recording.read', RecordingLoader)
  async read(@Param('id') id: string): Promise<RecordingView> {
    return view(await this.recordings.get(id), await this.recordings.renditionOf(id));
  }
}
