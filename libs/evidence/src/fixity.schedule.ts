import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { FixityChecks } from './fixity-checks.service.js';

@Injectable()
export class FixitySchedule {
  private readonly logger = new Logger('Fixity');
  private busy = false;

  constructor(private readonly checks: FixityChecks) {}

  @Interval(5000)
  async look(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.checks.plan();
      await this.checks.openDue();
    } catch (error) {
      this.logger.warn({ err: error }, 'fixity checks could not be scheduled; trying again shortly');
    } finally {
      this.busy = false;
    }
  }
}
