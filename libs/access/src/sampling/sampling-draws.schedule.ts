import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { SamplingDraws } from './sampling-draws.service.js';

const EVERY_MS = 3000;

/** Looks whether the checkpoint has come from which a lot is drawn. Several workers may look: the row's lock lets one draw. */
@Injectable()
export class SamplingDrawSchedule {
  private readonly logger = new Logger('SamplingDraws');
  private busy = false;

  constructor(private readonly draws: SamplingDraws) {}

  @Interval(EVERY_MS)
  async drawThem(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const id of await this.draws.waiting()) {
        // One whose list was tampered with must not keep the others waiting.
        await this.draws
          .drawWhenDue(id)
          .catch((error: unknown) => this.logger.error({ err: error, sampling: id }, 'the lot of a sampling could not be drawn'));
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'samplings could not be looked at; trying again shortly');
    } finally {
      this.busy = false;
    }
  }
}
