import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { decide } from '#identity';
import { Clock } from '#platform';
import { UploadExpiry } from './upload-expiry.service.js';

@Injectable()
export class UploadExpirySchedule {
  private readonly logger = new Logger('UploadExpiry');
  private busy = false;

  constructor(
    private readonly expiry: UploadExpiry,
    private readonly clock: Clock,
  ) {}

  @Interval(5000)
  async look(): Promise<void> {
    const context = { now: this.clock.now() };
    if (this.busy || !decide({ kind: 'system', name: 'upload-expiry' }, 'upload.expire', { kind: 'none' }, context).allowed)
      return;
    this.busy = true;
    try {
      for (const recording of await this.expiry.candidates()) {
        const outcome = await this.expiry.settle(recording);
        if (outcome !== 'going on') this.logger.warn({ recording, outcome }, 'an upload that nobody went on with was settled');
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'idle uploads could not be looked at; trying again shortly');
    } finally {
      this.busy = false;
    }
  }
}
