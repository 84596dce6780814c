import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { decide } from '#identity';
import { Clock } from '#platform';
import { DisclosureFetches } from './disclosure-fetches.service.js';
import { DisclosuresService } from './disclosures.service.js';

/** Ends disclosures whose time is over, and fetches that nobody goes on with. */
@Injectable()
export class DisclosuresSchedule {
  private readonly logger = new Logger('Disclosures');

  constructor(
    private readonly disclosures: DisclosuresService,
    private readonly fetches: DisclosureFetches,
    private readonly clock: Clock,
  ) {}

  @Interval(5000)
  async endThem(): Promise<void> {
    const now = this.clock.now();
    if (!decide({ kind: 'system', name: 'disclosures' }, 'disclosure.expire', { kind: 'none' }, { now }).allowed) return;
    try {
      for (const id of await this.disclosures.overdue()) await this.disclosures.expire(id);
      await this.fetches.endIdle();
    } catch (error) {
      this.logger.warn({ err: error }, 'disclosures could not be ended; trying again shortly');
    }
  }
}
