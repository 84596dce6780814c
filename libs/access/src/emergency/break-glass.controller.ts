import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import { Clock } from '#platform';
import { PurposeName } from '../policy/access-policy.rules.js';
import { BreakGlassLoader } from './break-glass.loader.js';
import { isOverdue } from './break-glass.rules.js';
import { BreakGlassService } from './break-glass.service.js';
import { BreakGlassReviews, type EmergencyInFull } from './break-glass-reviews.service.js';
import { viewGrant, type GrantView } from '../grants/grants.controller.js';

const OpenBody = z.strictObject({
  recordings: z.array(z.uuid().toLowerCase()).min(1).max(20),
  purpose: PurposeName,
  caseNumber: z.string().trim().min(1).max(60),
  justification: z.string().trim().min(20).max(2000),
});
const ReviewBody = z.strictObject({ justified: z.boolean(), note: z.string().trim().min(3).max(1000) });
const ListQuery = z.strictObject({
  open: z.enum(['true', 'false']).default('false'),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface EmergencyView {
  readonly id: string;
  readonly requestedBy: string;
  readonly recordings: readonly string[];
  readonly purpose: string;
  readonly caseNumber: string;
  readonly justification: string;
  readonly openedAt: string;
  readonly until: string;
  readonly reviewDueAt: string | null;
  /** Nobody has reviewed it in time. */
  readonly overdue: boolean;
  readonly reviewedBy: string | null;
  readonly reviewedAt: string | null;
  readonly justified: boolean | null;
  readonly note: string | null;
}

function view({ request, recordings }: EmergencyInFull, now: Date): EmergencyView {
  return {
    id: request.id,
    requestedBy: request.requestedBy,
    recordings,
    purpose: request.purpose,
    caseNumber: request.caseNumber,
    justification: request.justification,
    openedAt: request.createdAt.toISOString(),
    until: request.wantedUntil.toISOString(),
    reviewDueAt: request.dueAt?.toISOString() ?? null,
    overdue: isOverdue(request, now),
    reviewedBy: request.reviewedBy,
    reviewedAt: request.reviewedAt?.toISOString() ?? null,
    justified: request.justified,
    note: request.reviewNote,
  };
}

@ApiTags('access')
@Controller('api/break-glass')
export class BreakGlassController {
  constructor(
    private readonly emergencies: BreakGlassService,
    private readonly reviews: BreakGlassReviews,
    private readonly clock: Clock,
  ) {}

  /** Takes access before anybody decides, where the policy has it. Reviewers are told at once, and somebody has to review it. */
  @Post()
  @Asks('break-glass.open')
  async open(
    @Body({ schema: OpenBody }) body: z.infer<typeof OpenBody>,
    @By() caller: Caller,
  ): Promise<EmergencyView & { grants: GrantView[] }> {
    const { request, grants } = await this.emergencies.open(body, person(caller), caller);
    const recordings = grants.map(({ recordingId }) => recordingId);
    return { ...view({ request, recordings }, this.clock.now()), grants: grants.map(viewGrant) };
  }

  /** Newest first: of everybody for those who may review any, one's own for others. `open=true`: not reviewed yet. */
  @Get()
  @Asks('access-request.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
    @By() { actor }: Caller,
  ): Promise<{ emergencies: EmergencyView[]; next: string | null }> {
    const { emergencies, next } = await this.reviews.list({ ...query, open: query.open === 'true' }, actor);
    const now = this.clock.now();
    return { emergencies: emergencies.map((each) => view(each, now)), next };
  }

  /** Not by whoever took it, nor by whom the recordings show. What was not justified is taken back at once. */
  @Post(':id/review')
  @HttpCode(200)
  @Asks('break-glass.review', BreakGlassLoader)
  async review(
    @Param('id') id: string,
    @Body({ schema: ReviewBody }) body: z.infer<typeof ReviewBody>,
    @By() caller: Caller,
  ): Promise<EmergencyView> {
    const reviewed = await this.reviews.review(id, body.justified, body.note, person(caller), caller);
    return view(reviewed, this.clock.now());
  }
}
