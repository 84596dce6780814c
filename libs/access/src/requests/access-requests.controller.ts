import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { SearchBody } from '#evidence';
import { Asks, By, GRANT_ACTIONS, person, uuidOf, type Caller } from '#identity';
import { AccessDecisionsService } from './access-decisions.service.js';
import { PurposeName } from '../policy/access-policy.rules.js';
import { AccessRequestEndings } from './access-request-endings.service.js';
import { AccessRequestLists, type RequestFilter } from './access-request-lists.service.js';
import { AccessRequestLoader, OwnRequestLoader } from './access-request.loader.js';
import { REQUEST_STATES } from './access-request.rules.js';
import {
  viewListed,
  viewRequest,
  viewStanding,
  type DetailedRequestView,
  type ListedRequestView,
  type RequestView,
} from './access-request.view.js';
import { AccessRequestsService, type NewAccessRequest } from './access-requests.service.js';
import { viewGrant, type GrantView } from '../grants/grants.controller.js';
import { MOST_RECORDINGS } from './request-targets.js';

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const text = (most: number): z.ZodString => z.string().trim().min(3).max(most);
const flag = z
  .enum(['true', 'false'])
  .transform((word) => word === 'true')
  .default(false);

const asked = {
  recordings: z.array(z.uuid().toLowerCase()).min(1).max(MOST_RECORDINGS).optional(),
  case: z.uuid().optional(),
  search: SearchBody.optional(),
  purpose: PurposeName,
  caseNumber: z.string().trim().min(1).max(60),
  justification: text(2000),
  asked: z
    .array(z.enum(GRANT_ACTIONS))
    .min(1)
    .refine((actions) => new Set(actions).size === actions.length, 'names something twice')
    .default(['view', 'view-unredacted']),
  until: instant,
};
const isOneTarget = (body: { recordings?: unknown; case?: unknown; search?: unknown }): boolean =>
  [body.recordings, body.case, body.search].filter((target) => target !== undefined).length === 1;
const ONE_TARGET = 'must name recordings, a case or a search, and one of them only';

const SubmitBody = z.strictObject({ ...asked, draft: z.boolean().default(false) }).refine(isOneTarget, ONE_TARGET);
const ChangeBody = z.strictObject(asked).refine(isOneTarget, ONE_TARGET);
const recordings = z.array(z.uuid().toLowerCase()).min(1).max(MOST_RECORDINGS).optional();
const inPlaceOf = z.uuid().optional();
const GrantBody = z.strictObject({
  from: instant.optional(),
  until: instant.optional(),
  viewings: z.number().int().min(1).max(1000).optional(),
  reason: text(1000).optional(),
  recordings,
  inPlaceOf,
});
const DenyBody = z.strictObject({ reason: text(1000), recordings, inPlaceOf });
const WithdrawBody = z.strictObject({ reason: text(1000).optional() });
const ListQuery = z.strictObject({
  state: z.enum(REQUEST_STATES).optional(),
  mine: flag,
  overdue: flag,
  awaiting: z.literal('me').optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

function toNew({ recordings: named, case: file, search, ...rest }: z.output<typeof ChangeBody>): NewAccessRequest {
  const target = { ...(named && { recordings: named }), ...(file && { case: file }), ...(search && { search }) };
  return { ...rest, target };
}

const idOf = (id: string): string => uuidOf({ params: { id } }, 'id');

@ApiTags('access')
@Controller('api/access-requests')
export class AccessRequestsController {
  constructor(
    private readonly requests: AccessRequestsService,
    private readonly decisions: AccessDecisionsService,
    private readonly endings: AccessRequestEndings,
    private readonly lists: AccessRequestLists,
  ) {}

  /** With `draft`, nothing is asked yet: it can be changed until it is submitted. */
  @Post()
  @Asks('access-request.submit')
  async submit(@Body({ schema: SubmitBody }) body: z.output<typeof SubmitBody>, @By() caller: Caller): Promise<RequestView> {
    const { draft, ...content } = body;
    const made = toNew(content);
    return viewRequest(
      draft ? await this.requests.draft(made, person(caller)) : await this.requests.submit(made, person(caller), caller),
    );
  }

  @Put(':id')
  @Asks('access-request.submit', OwnRequestLoader)
  async change(@Param('id') id: string, @Body({ schema: ChangeBody }) body: z.output<typeof ChangeBody>): Promise<RequestView> {
    return viewRequest(await this.requests.change(idOf(id), toNew(body)));
  }

  @Post(':id/submit')
  @HttpCode(200)
  @Asks('access-request.submit', OwnRequestLoader)
  async submitDraft(@Param('id') id: string, @By() caller: Caller): Promise<RequestView> {
    return viewRequest(await this.requests.submitDraft(idOf(id), caller));
  }

  /**
   * Newest first. Custodians and auditors see all, everybody else their own. `mine=true`: only one's own. `awaiting=me`: what the caller may
   * decide on now, whosever it is. `overdue=true`: what should have been decided.
   */
  @Get()
  @Asks('access-request.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
    @By() caller: Caller,
  ): Promise<{ requests: ListedRequestView[]; next: string | null }> {
    const { actor } = caller;
    const { mine, awaiting, ...rest } = query;
    const all = 'roles' in actor && actor.roles.some((role) => role === 'custodian' || role === 'auditor');
    const own = 'id' in actor ? actor.id : '';
    const ownOnly = mine || (!all && awaiting === undefined);
    const filter: RequestFilter = { ...rest, reader: own, requestedBy: ownOnly ? own : undefined };
    const page = awaiting === undefined ? await this.lists.list(filter) : await this.lists.awaiting(person(caller), filter);
    return { requests: page.requests.map(viewListed), next: page.next };
  }

  /** With its items, the rule of each, and what everybody said of it. */
  @Get(':id')
  @Asks('access-request.read', OwnRequestLoader)
  async read(@Param('id') id: string, @By() { actor }: Caller): Promise<DetailedRequestView> {
    return viewStanding(await this.lists.get(idOf(id), 'id' in actor ? actor.id : undefined));
  }

  /** Approves. What needs one approval more than it has is granted by it. */
  @Post(':id/grant')
  @HttpCode(200)
  @Asks('access-request.decide', AccessRequestLoader)
  async grant(
    @Param('id') id: string,
    @Body({ schema: GrantBody }) body: z.output<typeof GrantBody>,
    @By() caller: Caller,
  ): Promise<RequestView & { grants: GrantView[] }> {
    const said = { ...body, verdict: 'approve', reason: body.reason ?? null } as const;
    const decided = await this.decisions.decide(idOf(id), said, person(caller), caller);
    return { ...viewRequest(decided), grants: decided.grants.map(viewGrant) };
  }

  @Post(':id/deny')
  @HttpCode(200)
  @Asks('access-request.decide', AccessRequestLoader)
  async deny(
    @Param('id') id: string,
    @Body({ schema: DenyBody }) body: z.output<typeof DenyBody>,
    @By() caller: Caller,
  ): Promise<RequestView> {
    return viewRequest(await this.decisions.decide(idOf(id), { ...body, verdict: 'deny' }, person(caller), caller));
  }

  /** While it is undecided. What was granted of it so far ends. */
  @Post(':id/withdraw')
  @HttpCode(200)
  @Asks('access-request.withdraw', OwnRequestLoader)
  async withdraw(
    @Param('id') id: string,
    @Body({ schema: WithdrawBody }) body: z.output<typeof WithdrawBody>,
    @By() caller: Caller,
  ): Promise<RequestView> {
    return viewRequest(await this.endings.withdraw(idOf(id), body.reason ?? null, caller));
  }

  /** What was granted is needed no more, and ends. */
  @Post(':id/close')
  @HttpCode(200)
  @Asks('access-request.close', OwnRequestLoader)
  async close(@Param('id') id: string, @By() caller: Caller): Promise<RequestView> {
    return viewRequest(await this.endings.close(idOf(id), caller));
  }
}
