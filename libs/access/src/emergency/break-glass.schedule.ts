import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { BreakGlassReviews } from './break-glass-reviews.service.js';

const EVERY_MS = 5_000;

/** Reminds reviewers of what was taken in an emergency and nobody has looked at in time. */
@Injectable()
export class BreakGlassReminders {
  private readonly logger = new Logger('BreakGlass');

  constructor(private readonly reviews: BreakGlassReviews) {}

  @Interval(EVERY_MS)
  async remind(): Promise<void> {
    try {
      await this.reviews.remindOfOverdue();
    } catch (error) {
      this.logger.warn({ err: error }, 'nobody could be reminded of overdue reviews; trying again shortly');
    }
  }
}
