import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, uuidOf, type Caller } from '#identity';
import type { Alert } from './alert.entity.js';
import { AlertsService } from './alerts.service.js';

const ListQuery = z.strictObject({
  open: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const AcknowledgeBody = z.strictObject({ note: z.string().trim().min(3).max(1000) });

export interface AlertView {
  readonly id: string;
  readonly kind: string;
  readonly recording: string;
  readonly detail: string;
  readonly raisedAt: string;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
  readonly note: string | null;
}

function view(alert: Alert): AlertView {
  return {
    id: alert.id,
    kind: alert.kind,
    recording: alert.recordingId,
    detail: alert.detail,
    raisedAt: alert.raisedAt.toISOString(),
    acknowledgedAt: alert.acknowledgedAt?.toISOString() ?? null,
    acknowledgedBy: alert.acknowledgedBy,
    note: alert.note,
  };
}

@ApiTags('alerts')
@Controller('api/alerts')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  /** Newest first. `open=true`: those that nobody has taken note of. */
  @Get()
  @Asks('alert.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
  ): Promise<{ alerts: AlertView[]; next: string | null }> {
    const { alerts, next } = await this.alerts.list(query);
    return { alerts: alerts.map(view), next };
  }

  @Post(':id/acknowledge')
  @HttpCode(200)
  @Asks('alert.acknowledge')
  async acknowledge(
    @Param('id') id: string,
    @Body({ schema: AcknowledgeBody }) { note }: z.infer<typeof AcknowledgeBody>,
    @By() caller: Caller,
  ): Promise<AlertView> {
    return view(await this.alerts.acknowledge(uuidOf({ params: { id } }, 'id'), note, caller));
  }
}
