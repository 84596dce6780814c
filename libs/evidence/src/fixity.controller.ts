import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks } from '#identity';
import type { FixityCheck } from './fixity-check.entity.js';
import { FixityChecks } from './fixity-checks.service.js';
import { RecordingLoader } from './recording.loader.js';

const ListQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface FixityCheckView {
  readonly id: string;
  readonly dueAt: string;
  readonly endedAt: string | null;
  /** Null while it is open. */
  readonly outcome: 'verified' | 'failed' | null;
  readonly problem: string | null;
}

function view({ id, dueAt, endedAt, outcome, problem }: FixityCheck): FixityCheckView {
  return { id, dueAt: dueAt.toISOString(), endedAt: endedAt?.toISOString() ?? null, outcome, problem };
}

@ApiTags('fixity')
@Controller('api/recordings/:id/fixity-checks')
export class FixityController {
  constructor(private readonly checks: FixityChecks) {}

  /** Has the stored version hashed again now, besides its schedule. While a check is open it answers with that one. */
  @Post()
  @HttpCode(202)
  @Asks('fixity.order', RecordingLoader)
  async order(@Param('id') id: string): Promise<FixityCheckView> {
    return view(await this.checks.order(id));
  }

  /** Newest first. */
  @Get()
  @Asks('custody.read', RecordingLoader)
  async list(
    @Param('id') id: string,
    @Query({ schema: ListQuery }) { after, limit }: z.infer<typeof ListQuery>,
  ): Promise<{ checks: FixityCheckView[]; next: string | null }> {
    const { checks, next } = await this.checks.list(id, after, limit);
    return { checks: checks.map(view), next };
  }
}
