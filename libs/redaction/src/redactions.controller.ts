import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RecordingLoader } from '#evidence';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import type { RedactionPlan } from '#media';
import { RedactionPlanSchema } from './redaction-plan.schema.js';
import type { Redaction } from './redaction.entity.js';
import { RedactionsService } from './redactions.service.js';

const OrderBody = z.strictObject({ plan: RedactionPlanSchema, reason: z.string().trim().min(3).max(1000) });

interface RedactionView {
  readonly id: string;
  readonly recording: string;
  readonly state: string;
  readonly result: string | null;
  readonly failure: string | null;
  readonly reason: string;
  readonly plan: RedactionPlan;
  readonly planSha256: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

function view(redaction: Redaction): RedactionView {
  return {
    id: redaction.id,
    recording: redaction.recordingId,
    state: redaction.state,
    result: redaction.resultId,
    failure: redaction.failure,
    reason: redaction.reason,
    plan: redaction.plan,
    planSha256: redaction.planSha256.toString('hex'),
    createdAt: redaction.createdAt.toISOString(),
    finishedAt: redaction.finishedAt?.toISOString() ?? null,
  };
}

@ApiTags('redactions')
@Controller('api')
export class RedactionsController {
  constructor(private readonly redactions: RedactionsService) {}

  /** Rendered by the worker; ask for the redaction until it is `sealed` or `failed`. */
  @Post('recordings/:id/redactions')
  @HttpCode(202)
  @Asks('redaction.order', RecordingLoader)
  async order(
    @Param('id') id: string,
    @Body({ schema: OrderBody }) body: z.infer<typeof OrderBody>,
    @By() caller: Caller,
  ): Promise<RedactionView> {
    return view(await this.redactions.order(id, body.plan, body.reason, person(caller), caller));
  }

  @Get('recordings/:id/redactions')
  @Asks('redaction.read', RecordingLoader)
  async of(@Param('id') id: string): Promise<{ redactions: RedactionView[] }> {
    return { redactions: (await this.redactions.of(id)).map(view) };
  }

  @Get('redactions/:id')
  @Asks('redaction.read')
  async read(@Param('id') id: string): Promise<RedactionView> {
    return view(await this.redactions.get(uuidOf({ params: { id } }, 'id')));
  }
}
