import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, uuidOf, type Caller } from '#identity';
import type { Grant } from './grant.entity.js';
import { GrantLoader } from './grant.loader.js';
import { GrantsService } from './grants.service.js';

const RevokeBody = z.strictObject({ reason: z.string().trim().min(3).max(1000) });

export interface GrantView {
  readonly id: string;
  /** Null when a standing rule of the policy gave it. */
  readonly request: string | null;
  readonly basis: string;
  readonly recording: string;
  readonly person: string;
  readonly purpose: string;
  readonly caseNumber: string;
  /** What it is for: view, view-unredacted, export, disclose. */
  readonly actions: readonly string[];
  readonly startsAt: string;
  readonly expiresAt: string;
  /** How many more viewings may be opened; null for any number. */
  readonly viewingsLeft: number | null;
  readonly revokedAt: string | null;
}

export function viewGrant(grant: Grant): GrantView {
  return {
    id: grant.id,
    request: grant.requestId,
    basis: grant.basis,
    recording: grant.recordingId,
    person: grant.personId,
    purpose: grant.purpose,
    caseNumber: grant.caseNumber,
    actions: grant.actions,
    startsAt: grant.startsAt.toISOString(),
    viewingsLeft: grant.maxViewings === null ? null : grant.maxViewings - grant.viewingsOpened,
    expiresAt: grant.expiresAt.toISOString(),
    revokedAt: grant.revokedAt?.toISOString() ?? null,
  };
}

@ApiTags('access')
@Controller('api/grants')
export class GrantsController {
  constructor(private readonly grants: GrantsService) {}

  /** Custodians and auditors see all, everybody else their own. */
  @Get()
  @Asks('grant.list')
  async list(@By() { actor }: Caller): Promise<{ grants: GrantView[] }> {
    const all = 'roles' in actor && actor.roles.some((role) => role === 'custodian' || role === 'auditor');
    const own = 'id' in actor ? actor.id : '';
    return { grants: (await this.grants.list(all ? undefined : own)).map(viewGrant) };
  }

  @Post(':id/revoke')
  @HttpCode(204)
  @Asks('grant.revoke', GrantLoader)
  async revoke(
    @Param('id') id: string,
    @Body({ schema: RevokeBody }) body: z.infer<typeof RevokeBody>,
    @By() caller: Caller,
  ): Promise<void> {
    await this.grants.revoke(uuidOf({ params: { id } }, 'id'), body.reason, caller);
  }
}
