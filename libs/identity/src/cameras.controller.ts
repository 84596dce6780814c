import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Caller } from './actor.js';
import { Asks, By, uuidOf } from './authorization.js';
import type { CameraAssignment } from './camera-assignment.entity.js';
import { CameraAssignments } from './camera-assignments.service.js';
import { CamerasService } from './cameras.service.js';

/** RFC 3339 with its zone. */
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() >= 0 && at.getUTCFullYear() <= 9999, 'must lie between 1970 and 9999');

const RegisterBody = z.strictObject({
  // As the manifest has it, to the letter: a space too many would be another camera. libs/tlog manifest.ts
  serial: z
    .string()
    .min(1)
    .max(128)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters'),
  model: z.string().trim().min(1).max(128).nullable().default(null),
});
const RetireBody = z.strictObject({ reason: z.string().trim().min(3).max(500) });
const AssignBody = z.strictObject({ person: z.uuid(), from: instant.optional(), until: instant.optional() });
const ReleaseBody = z.strictObject({ until: instant.optional() });
const AssignmentsQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface CameraAssignmentView {
  readonly id: string;
  readonly person: { readonly id: string; readonly name: string; readonly badge: string | null };
  readonly from: string;
  /** Not part of the span any more; null while it has not been given back. */
  readonly until: string | null;
}

export function viewAssignment({ id, person, from, until }: CameraAssignment): CameraAssignmentView {
  return {
    id,
    person: { id: person.id, name: person.name, badge: person.badge },
    from: from.toISOString(),
    until: until?.toISOString() ?? null,
  };
}

@ApiTags('cameras')
@Controller('api/cameras')
export class CamerasController {
  constructor(
    private readonly cameras: CamerasService,
    private readonly assignments: CameraAssignments,
  ) {}

  @Post()
  @Asks('camera.register')
  async register(
    @Body({ schema: RegisterBody }) body: z.infer<typeof RegisterBody>,
    @By() caller: Caller,
  ): Promise<{ id: string; serial: string; model: string | null; registeredAt: string }> {
    const { id, serial, model, registeredAt } = await this.cameras.register(body.serial, body.model, caller);
    return { id, serial, model, registeredAt: registeredAt.toISOString() };
  }

  @Post(':id/retire')
  @HttpCode(204)
  @Asks('camera.retire')
  async retire(
    @Param('id') id: string,
    @Body({ schema: RetireBody }) body: z.infer<typeof RetireBody>,
    @By() caller: Caller,
  ): Promise<void> {
    await this.cameras.retire(uuidOf({ params: { id } }, 'id'), body.reason, caller);
  }

  /** From now on, or from and until when it is said, which may both lie in the past. */
  @Post(':id/assignments')
  @Asks('camera.assign')
  async assign(
    @Param('id') id: string,
    @Body({ schema: AssignBody }) body: z.output<typeof AssignBody>,
    @By() caller: Caller,
  ): Promise<CameraAssignmentView> {
    return viewAssignment(await this.assignments.assign(uuidOf({ params: { id } }, 'id'), body, caller));
  }

  /** The camera was given back, now or at the time that is said. */
  @Post(':id/release')
  @HttpCode(200)
  @Asks('camera.assign')
  async release(
    @Param('id') id: string,
    @Body({ schema: ReleaseBody }) body: z.output<typeof ReleaseBody>,
    @By() caller: Caller,
  ): Promise<CameraAssignmentView> {
    return viewAssignment(await this.assignments.release(uuidOf({ params: { id } }, 'id'), body.until, caller));
  }

  /** Latest first. */
  @Get(':id/assignments')
  @Asks('camera.list')
  async list(
    @Param('id') id: string,
    @Query({ schema: AssignmentsQuery }) query: z.infer<typeof AssignmentsQuery>,
  ): Promise<{ assignments: CameraAssignmentView[]; next: string | null }> {
    const { assignments, next } = await this.assignments.list(uuidOf({ params: { id } }, 'id'), query);
    return { assignments: assignments.map(viewAssignment), next };
  }
}
