import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, type Caller } from '#identity';
import { JOB_NAMES, JOB_STATES, JobBoard, type JobRecord } from '#platform';
import { JobLoader } from './job.loader.js';
import { JobsService } from './jobs.service.js';

const ListQuery = z.strictObject({
  state: z.enum(JOB_STATES).optional(),
  job: z.enum(JOB_NAMES).optional(),
  recording: z.uuid().optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const CancelBody = z.strictObject({ reason: z.string().trim().min(3).max(1000) });

type Times = 'askedAt' | 'startedAt' | 'nextAttemptAt' | 'endedAt';

export interface JobView extends Omit<JobRecord, Times> {
  readonly askedAt: string;
  readonly startedAt: string | null;
  readonly nextAttemptAt: string | null;
  readonly endedAt: string | null;
}

function view({ askedAt, startedAt, nextAttemptAt, endedAt, ...rest }: JobRecord): JobView {
  return {
    ...rest,
    askedAt: askedAt.toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
  };
}

@ApiTags('jobs')
@Controller('api/jobs')
export class JobsController {
  constructor(
    private readonly board: JobBoard,
    private readonly jobs: JobsService,
  ) {}

  /** Newest first. `state=parked`: those that wait for a person. */
  @Get()
  @Asks('job.list')
  async list(@Query({ schema: ListQuery }) query: z.output<typeof ListQuery>): Promise<{ jobs: JobView[]; next: string | null }> {
    const { jobs, next } = await this.board.list(query);
    return { jobs: jobs.map(view), next };
  }

  /** Also while it runs: how far it is, and how long it will take by its pace so far. */
  @Get(':id')
  @Asks('job.list', JobLoader)
  async read(@Param('id') id: string): Promise<JobView> {
    return view(await this.board.get(id));
  }

  /** Only what people can ask for again (transcodes, redactions), before it is done. What runs is ended within two seconds, wherever it runs. */
  @Post(':id/cancel')
  @HttpCode(202)
  @Asks('job.cancel', JobLoader)
  async cancel(
    @Param('id') id: string,
    @Body({ schema: CancelBody }) { reason }: z.infer<typeof CancelBody>,
    @By() caller: Caller,
  ): Promise<JobView> {
    return view(await this.jobs.cancel(id, reason, caller));
  }

  /** Of a job that was parked or cancelled: from the beginning, with all its attempts. */
  @Post(':id/retry')
  @HttpCode(202)
  @Asks('job.retry', JobLoader)
  async retry(@Param('id') id: string, @By() caller: Caller): Promise<JobView> {
    return view(await this.jobs.retry(id, caller));
  }
}
