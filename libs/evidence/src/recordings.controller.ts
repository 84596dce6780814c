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
  state: z.enum(['receiving', 'sealing', 'sealed', 'quarantined']).optional(),
  camera: z.string().min(1).max(100).optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface RecordingView {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly camera: string;
  readonly officer: string;
  readonly recordedAt: string;
  readonly clockOffsetMs: number;
  readonly state: string;
  readonly reason: string | null;
  readonly parent: string | null;
  readonly announcedAt: string;
  readonly sealedAt: string | null;
  readonly media: Omit<Probe, 'tags'> | null;
  readonly playback: { readonly state: string; readonly reason: string | null } | null;
}

/** Tags (location, titles) are footage content and stay out of it. */
function view(recording: Recording, rendition: Rendition | null | undefined): RecordingView {
  const { tags: _, ...media } = recording.probe ?? { tags: {} };
  return {
    id: recording.id,
    name: recording.name,
    size: recording.size,
    sha256: recording.sha256.toString('hex'),
    camera: recording.camera,
    officer: recording.officerBadge,
    recordedAt: recording.recordedAt.toISOString(),
    clockOffsetMs: recording.clockOffsetMs,
    state: recording.state,
    reason: recording.reason,
    parent: recording.parentId,
    announcedAt: recording.announcedAt.toISOString(),
    sealedAt: recording.sealedAt?.toISOString() ?? null,
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
