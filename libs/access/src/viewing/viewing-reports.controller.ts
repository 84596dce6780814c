import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { DeliveredRange } from '#custody';
import { Asks, attribution, By, type Caller } from '#identity';
import { ViewingLoader } from './viewing.loader.js';
import { ViewingReports } from './viewing-reports.service.js';
import { ViewingsService } from './viewings.service.js';

const whole = (most: number): z.ZodNumber => z.number().int().min(0).max(most);
const LONGEST_MS = 2 ** 31 - 1 - 60_000;

const Range = z.strictObject({ fromMs: whole(LONGEST_MS), toMs: whole(LONGEST_MS) }).refine(({ fromMs, toMs }) => toMs > fromMs, {
  path: ['toMs'],
  message: 'must be after fromMs',
});
const ReportBody = z.strictObject({
  seq: whole(2 ** 31 - 1),
  played: z.array(Range).max(200),
  seeks: whole(10_000),
  pauses: whole(10_000),
  hiddenMs: whole(86_400_000),
  /** Of normal: 100 is as recorded. The fastest since the last report. */
  speedPercent: whole(1600),
  /** The page goes away: of two requests that nobody waits for, the closing might arrive before the report. */
  last: z.boolean().optional(),
});

interface TakenReport {
  readonly viewing: string;
  readonly seq: number;
  /** What of `played` goes on record: that which had been sent. */
  readonly played: readonly DeliveredRange[];
}

@ApiTags('viewings')
@Controller('api/viewings')
export class ViewingReportsController {
  constructor(
    private readonly reports: ViewingReports,
    private readonly viewings: ViewingsService,
  ) {}

  /**
   * What the player did since its last report, every few seconds. Sent again it counts once. What was never sent is refused (422), and that is on
   * record; it is never mixed with what the service itself knows it sent. After the last one the viewing is closed.
   */
  @Post(':id/reports')
  @HttpCode(200)
  @Asks('viewing.report', ViewingLoader)
  async report(
    @Param('id') id: string,
    @Body({ schema: ReportBody }) body: z.infer<typeof ReportBody>,
    @By() caller: Caller,
  ): Promise<TakenReport> {
    const { last = false, ...report } = body;
    const played = await this.reports.take(id, report, caller);
    if (last) await this.viewings.close(id, 'viewer', attribution(caller));
    return { viewing: id, seq: report.seq, played };
  }
}
