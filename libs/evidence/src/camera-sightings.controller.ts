import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, CamerasService, viewAssignment, type CameraAssignmentView } from '#identity';
import { Clock } from '#platform';
import { CameraSightings, type LastRecording } from './camera-sightings.service.js';

const serial = z.string().min(1).max(128);
const limit = z.coerce.number().int().min(1).max(200).default(50);
const ListQuery = z.strictObject({ serial: serial.optional(), after: z.uuid().optional(), limit });
const UnregisteredQuery = z.strictObject({ after: serial.optional(), limit });

export interface CameraView {
  readonly id: string;
  readonly serial: string;
  readonly model: string | null;
  readonly registeredAt: string;
  readonly retiredAt: string | null;
  /** Who has it now. */
  readonly assignment: CameraAssignmentView | null;
  readonly lastRecording: LastRecording | null;
}

/** The register of cameras beside what was received of them. */
@ApiTags('cameras')
@Controller('api/cameras')
export class CameraSightingsController {
  constructor(
    private readonly cameras: CamerasService,
    private readonly sightings: CameraSightings,
    private readonly clock: Clock,
  ) {}

  /** In the order in which they were registered. */
  @Get()
  @Asks('camera.list')
  async list(
    @Query({ schema: ListQuery }) query: z.infer<typeof ListQuery>,
  ): Promise<{ cameras: CameraView[]; next: string | null }> {
    const { cameras, next } = await this.cameras.list(query);
    const [assigned, last] = await Promise.all([
      this.cameras.assignedAt(
        cameras.map(({ id }) => id),
        this.clock.now(),
      ),
      this.sightings.lastOf(cameras.map(({ serial: named }) => named)),
    ]);
    const view = cameras.map((camera): CameraView => {
      const assignment = assigned.get(camera.id);
      return {
        id: camera.id,
        serial: camera.serial,
        model: camera.model,
        registeredAt: camera.registeredAt.toISOString(),
        retiredAt: camera.retiredAt?.toISOString() ?? null,
        assignment: assignment === undefined ? null : viewAssignment(assignment),
        lastRecording: last.get(camera.serial) ?? null,
      };
    });
    return { cameras: view, next };
  }

  /** Serial numbers that recordings name and the register does not, in their order. */
  @Get('unregistered')
  @Asks('camera.list')
  async unregistered(
    @Query({ schema: UnregisteredQuery }) query: z.infer<typeof UnregisteredQuery>,
  ): Promise<{ cameras: { serial: string; lastRecording: LastRecording | null }[]; next: string | null }> {
    return this.sightings.unregistered(query.after ?? '', query.limit);
  }
}
