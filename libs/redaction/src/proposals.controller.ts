import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import { DETECTABLE, type RedactionRegion, type Track } from '#media';
import { ProposalLoader } from './proposal.loader.js';
import { trackId } from './proposals.rules.js';
import { ProposalsService } from './proposals.service.js';
import { RecordingToRedactLoader } from './recording-to-redact.loader.js';
import type { ProposalAsked, RedactionProposal } from './redaction-proposal.entity.js';

const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31);
const pixel = z.number().int().min(-16_384).max(16_384);
const side = z.number().int().min(1).max(16_384);

const AskBody = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('track'),
    box: z.strictObject({ x: pixel, y: pixel, width: side, height: side }),
    atMs: ms,
    untilMs: ms,
  }),
  z.strictObject({
    kind: z.literal('detect'),
    what: z.array(z.enum(DETECTABLE)).min(1).max(DETECTABLE.length),
    fromMs: ms,
    untilMs: ms,
  }),
]);
const ConfirmBody = z.strictObject({
  tracks: z
    .array(z.string().regex(/^[1-9]\d{0,5}$/))
    .min(1)
    .max(500),
  /** Stands in every region, as in a plan. */
  reason: z.string().trim().min(2).max(200),
  shape: z.enum(['rectangle', 'ellipse']).default('rectangle'),
});

interface ProposalView {
  readonly id: string;
  readonly recording: string;
  readonly asked: ProposalAsked;
  readonly state: string;
  readonly failure: string | null;
  readonly tracks: readonly (Track & { readonly id: string })[] | null;
  readonly incomplete: boolean;
  readonly model: string | null;
  readonly version: string | null;
  readonly threshold: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

function view({ recordingId, tracks, createdAt, finishedAt, ...proposal }: RedactionProposal): ProposalView {
  const { id, asked, state, failure, incomplete, model, version, threshold } = proposal;
  return {
    id,
    recording: recordingId,
    asked,
    state,
    failure,
    tracks: tracks?.map((track, index) => ({ id: trackId(index), ...track })) ?? null,
    incomplete,
    model,
    version,
    threshold,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

@ApiTags('redaction proposals')
@Controller('api')
export class ProposalsController {
  constructor(private readonly proposals: ProposalsService) {}

  /** Follows a box, or looks for faces and plates, in the worker; ask for the proposal until it is `ready` or `failed`. */
  @Post('recordings/:id/redaction-proposals')
  @HttpCode(202)
  @Asks('redaction.order', RecordingToRedactLoader)
  async order(
    @Param('id') id: string,
    @Body({ schema: AskBody }) body: z.infer<typeof AskBody>,
    @By() caller: Caller,
  ): Promise<ProposalView> {
    return view(await this.proposals.order(id, body, person(caller), caller));
  }

  @Get('redaction-proposals/:id')
  @Asks('redaction.order', ProposalLoader)
  async read(@Param('id') id: string): Promise<ProposalView> {
    return view(await this.proposals.get(uuidOf({ params: { id } }, 'id')));
  }

  /** Puts on record which tracks are taken over and returns them as regions for a plan. No plan is changed. */
  @Post('redaction-proposals/:id/confirm')
  @HttpCode(200)
  @Asks('redaction.order', ProposalLoader)
  async confirm(
    @Param('id') id: string,
    @Body({ schema: ConfirmBody }) body: z.output<typeof ConfirmBody>,
    @By() caller: Caller,
  ): Promise<{ proposal: string; regions: readonly RedactionRegion[] }> {
    const regions = await this.proposals.confirm(uuidOf({ params: { id } }, 'id'), body, caller);
    return { proposal: id, regions };
  }
}
