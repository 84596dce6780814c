import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import type { Delegation } from './delegation.entity.js';
import { DelegationLoader } from './delegation.loader.js';
import { DELEGABLE } from './delegation.rules.js';
import { DelegationsService } from './delegations.service.js';

const reason = z.string().trim().min(3).max(1000);
const GiveBody = z.strictObject({
  to: z.uuid(),
  role: z.enum(DELEGABLE),
  until: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  reason,
});
const EndBody = z.strictObject({ reason });
const ListQuery = z.strictObject({
  live: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface DelegationView {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly role: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly until: string;
  readonly endedAt: string | null;
}

function view(delegation: Delegation): DelegationView {
  return {
    id: delegation.id,
    from: delegation.fromId,
    to: delegation.toId,
    role: delegation.role,
    reason: delegation.reason,
    createdAt: delegation.createdAt.toISOString(),
    until: delegation.until.toISOString(),
    endedAt: delegation.endedAt?.toISOString() ?? null,
  };
}

@ApiTags('access')
@Controller('api/delegations')
export class DelegationsController {
  constructor(private readonly delegations: DelegationsService) {}

  /** Lets somebody decide on requests in the caller's place, in one of the caller's own roles, for 90 days at most. */
  @Post()
  @Asks('delegation.give')
  async give(@Body({ schema: GiveBody }) body: z.output<typeof GiveBody>, @By() caller: Caller): Promise<DelegationView> {
    return view(await this.delegations.give(body, person(caller), caller));
  }

  /** Custodians and auditors see all, everybody else those they gave or got. Newest first. */
  @Get()
  @Asks('delegation.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
    @By() { actor }: Caller,
  ): Promise<{ delegations: DelegationView[]; next: string | null }> {
    const all = 'roles' in actor && actor.roles.some((role) => role === 'custodian' || role === 'auditor');
    const concerning = all || !('id' in actor) ? undefined : actor.id;
    const { delegations, next } = await this.delegations.list({ ...query, concerning });
    return { delegations: delegations.map(view), next };
  }

  @Post(':id/end')
  @HttpCode(200)
  @Asks('delegation.end', DelegationLoader)
  async end(
    @Param('id') id: string,
    @Body({ schema: EndBody }) body: z.output<typeof EndBody>,
    @By() caller: Caller,
  ): Promise<DelegationView> {
    return view(await this.delegations.end(uuidOf({ params: { id } }, 'id'), body.reason, caller));
  }
}
