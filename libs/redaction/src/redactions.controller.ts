import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RecordingLoader } from '#evidence';
import { Asks, By, person, type Caller } from '#identity';
import { RedactionPlanSchema } from '#media';
import { PlanChecks } from './plan-checks.service.js';
import { RecordingToRedactLoader } from './recording-to-redact.loader.js';
import { RedactionDrafts } from './redaction-drafts.service.js';
import { RedactionLoader } from './redaction.loader.js';
import { RedactionReviews } from './redaction-reviews.service.js';
import {
  viewRedaction,
  viewVersion,
  viewWhole,
  type RedactionView,
  type SavedPlanView,
  type WholeRedactionView,
} from './redaction-view.js';
import { RedactionsService } from './redactions.service.js';

const reason = z.string().trim().min(3).max(1000);
const version = z.int().min(1).max(1_000_000);

const OrderBody = z.strictObject({
  plan: RedactionPlanSchema,
  reason,
  /** Only draft it; it is rendered when that is asked for. */
  draft: z.boolean().default(false),
});
const SaveBody = z.strictObject({
  plan: RedactionPlanSchema,
  /** The version that the plan was made from: refused when somebody saved another meanwhile. */
  version,
  note: reason.optional(),
});
const RenderBody = z.strictObject({ version });
const ReviewBody = z.strictObject({ version, verdict: z.enum(['approved', 'rejected']), note: reason.optional() });
const DiscardBody = z.strictObject({ reason });
const ListQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const VersionParam = z.strictObject({ id: z.uuid(), version: z.coerce.number().int().min(1).max(1_000_000) });

@ApiTags('redactions')
@Controller('api')
export class RedactionsController {
  constructor(
    private readonly redactions: RedactionsService,
    private readonly drafts: RedactionDrafts,
    private readonly reviews: RedactionReviews,
    private readonly checks: PlanChecks,
  ) {}

  /** What a plan may be for, and how it may cover. */
  @Get('redaction-policy')
  @Asks('redaction.read')
  policy(): { reasons: readonly string[]; styles: readonly string[] } {
    return this.checks.policy;
  }

  /** Drafts a redaction and, unless only a draft is asked for, has it rendered: ask for it until it is `rendered` or `failed`. */
  @Post('recordings/:id/redactions')
  @HttpCode(202)
  @Asks('redaction.order', RecordingToRedactLoader)
  async order(
    @Param('id') id: string,
    @Body({ schema: OrderBody }) { draft, ...ordered }: z.output<typeof OrderBody>,
    @By() caller: Caller,
  ): Promise<WholeRedactionView> {
    const begun = draft
      ? this.drafts.draft(id, ordered, person(caller), caller)
      : this.drafts.order(id, ordered, person(caller), caller);
    return this.whole(await begun);
  }

  /** Oldest first, without the plans. */
  @Get('recordings/:id/redactions')
  @Asks('redaction.read', RecordingLoader)
  async list(
    @Param('id') id: string,
    @Query({ schema: ListQuery }) query: z.infer<typeof ListQuery>,
  ): Promise<{ redactions: RedactionView[]; next: string | null }> {
    const { redactions, next } = await this.redactions.list(id, query);
    const renderings = await this.redactions.renderingsOf(redactions);
    return { redactions: redactions.map((redaction) => viewRedaction(redaction, renderings.get(redaction.id))), next };
  }

  /** With the newest plan, and what is on record of every version and every rendering. */
  @Get('redactions/:id')
  @Asks('redaction.read', RedactionLoader)
  async read(@Param('id') id: string): Promise<WholeRedactionView> {
    return this.whole(id);
  }

  @Get('redactions/:id/plans/:version')
  @Asks('redaction.read', RedactionLoader)
  async plan(@Param({ schema: VersionParam }) params: z.output<typeof VersionParam>): Promise<SavedPlanView> {
    const saved = await this.redactions.plan(params.id, params.version);
    return { ...viewVersion(saved), plan: saved.plan };
  }

  /** Saves a new version of the plan. What was rendered, failed or was rejected becomes a draft again. */
  @Put('redactions/:id/plan')
  @Asks('redaction.order', RedactionLoader)
  async save(
    @Param('id') id: string,
    @Body({ schema: SaveBody }) body: z.output<typeof SaveBody>,
    @By() caller: Caller,
  ): Promise<WholeRedactionView> {
    await this.drafts.save(id, body, person(caller), caller);
    return this.whole(id);
  }

  @Post('redactions/:id/render')
  @HttpCode(202)
  @Asks('redaction.order', RedactionLoader)
  async render(
    @Param('id') id: string,
    @Body({ schema: RenderBody }) body: z.infer<typeof RenderBody>,
    @By() caller: Caller,
  ): Promise<WholeRedactionView> {
    await this.drafts.render(id, body.version, person(caller), caller);
    return this.whole(id);
  }

  /** For somebody who wrote no version of the plan and whom the recording does not show. A rejection needs a note. */
  @Post('redactions/:id/review')
  @HttpCode(200)
  @Asks('redaction.review', RedactionLoader)
  async review(
    @Param('id') id: string,
    @Body({ schema: ReviewBody }) { verdict, note, ...body }: z.output<typeof ReviewBody>,
    @By() caller: Caller,
  ): Promise<WholeRedactionView> {
    await this.reviews.review(id, { ...body, approved: verdict === 'approved', note: note ?? null }, person(caller), caller);
    return this.whole(id);
  }

  /** After its approval. From then on the result may be asked for like any other recording. */
  @Post('redactions/:id/release')
  @HttpCode(200)
  @Asks('redaction.release', RedactionLoader)
  async release(@Param('id') id: string, @By() caller: Caller): Promise<WholeRedactionView> {
    await this.reviews.release(id, person(caller), caller);
    return this.whole(id);
  }

  @Post('redactions/:id/discard')
  @HttpCode(200)
  @Asks('redaction.order', RedactionLoader)
  async discard(
    @Param('id') id: string,
    @Body({ schema: DiscardBody }) body: z.infer<typeof DiscardBody>,
    @By() caller: Caller,
  ): Promise<WholeRedactionView> {
    await this.drafts.discard(id, body.reason, caller);
    return this.whole(id);
  }

  private async whole(id: string): Promise<WholeRedactionView> {
    return viewWhole(await this.redactions.whole(id));
  }
}
