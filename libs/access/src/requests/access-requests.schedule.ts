import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { decide, system } from '#identity';
import { Clock } from '#platform';
import { AccessRequestEndings } from './access-request-endings.service.js';
import { AccessRequestReminders } from './access-request-reminders.service.js';

const AT_ONCE = 50;

/** Ends requests whose time is over, and reminds those who have not decided. */
@Injectable()
export class AccessRequestsSchedule {
  private readonly logger = new Logger('AccessRequests');
  private busy = false;

  constructor(
    private readonly endings: AccessRequestEndings,
    private readonly reminders: AccessRequestReminders,
    private readonly clock: Clock,
  ) {}

  @Interval(5000)
  async look(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.expire();
      await this.reminders.remind();
    } catch (error) {
      this.logger.warn({ err: error }, 'requests for access could not be looked through; trying again shortly');
    } finally {
      this.busy = false;
    }
  }

  private async expire(): Promise<void> {
    const now = this.clock.now();
    if (!decide({ kind: 'system', name: 'access-requests' }, 'access-request.expire', { kind: 'none' }, { now }).allowed) return;
    for (const id of await this.endings.over(now, AT_ONCE))
      // One that cannot be ended must not keep the others from ending.
      await this.endings
        .expire(id, system('access-requests'))
        .catch((error: unknown) => this.logger.error({ err: error, request: id }, 'a request for access could not be ended'));
  }
}
