import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import { PURPOSES } from './access-request.rules.js';
import { AccessRequestLoader } from './access-request.loader.js';
import { AccessRequestsService, type RequestWithItems } from './access-requests.service.js';
import { viewGrant, type GrantView } from './grants.controller.js';

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const text = (most: number): z.ZodString => z.string().trim().min(3).max(most);

const SubmitBody = z.strictObject({
  recordings: z.array(z.uuid()).min(1).max(1000),
  purpose: z.enum(PURPOSES),
  caseNumber: z.string().trim().min(1).max(60),
  justification: text(2000),
  until: instant,
});
const GrantBody = z.strictObject({ until: instant.optional() });
const DenyBody = z.strictObject({ reason: text(1000) });

interface RequestView {
  readonly id: string;
  readonly requestedBy: string;
  readonly recordings: readonly string[];
  readonly purpose: string;
  readonly caseNumber: string;
  readonly justification: string;
  readonly until: string;
  readonly state: string;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly reason: string | null;
  readonly createdAt: string;
}

function view({ request, recordings }: RequestWithItems): RequestView {
  return {
    id: request.id,
    requestedBy: request.requestedBy,
    recordings,
    purpose: request.purpose,
    caseNumber: request.caseNumber,
    justification: request.justification,
    until: request.wantedUntil.toISOString(),
    state: request.state,
    decidedBy: request.decidedBy,
    decidedAt: request.decidedAt?.toISOString() ?? null,
    reason: request.decisionReason,
    createdAt: request.createdAt.toISOString(),
  };
}

@ApiTags('access')
@Controller('api/access-requests')
export class AccessRequestsController {
  constructor(private readonly requests: AccessRequestsService) {}

  @Post()
  @Asks('access-request.submit')
  async submit(@Body({ schema: SubmitBody }) body: z.output<typeof SubmitBody>, @By() caller: Caller): Promise<RequestView> {
    return view(await this.requests.submit(body, person(caller), caller));
  }

  /** Custodians and auditors see all, everybody else their own. */
  @Get()
  @Asks('access-request.list')
  async list(@By() { actor }: Caller): Promise<{ requests: RequestView[] }> {
    const all = 'roles' in actor && actor.roles.some((role) => role === 'custodian' || role === 'auditor');
    const own = 'id' in actor ? actor.id : '';
    return { requests: (await this.requests.list(all ? undefined : own)).map(view) };
  }

  @Post(':id/grant')
  @HttpCode(200)
  @Asks('access-request.decide', AccessRequestLoader)
  async grant(
    @Param('id') id: string,
    @Body({ schema: GrantBody }) body: z.output<typeof GrantBody>,
    @By() caller: Caller,
  ): Promise<RequestView & { grants: GrantView[] }> {
    const granted = await this.requests.grant(id, body.until, person(caller), caller);
    return { ...view(granted), grants: granted.grants.map(viewGrant) };
  }

  @Post(':id/deny')
  @HttpCode(200)
  @Asks('access-request.decide', AccessRequestLoader)
  async deny(
    @Param('id') id: string,
    @Body({ schema: DenyBody }) body: z.infer<typeof DenyBody>,
    @By() caller: Caller,
  ): Promise<RequestView> {
    return view(await this.requests.deny(id, body.reason, person(caller), caller));
  }
}
