import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { decide, system } from '#identity';
import { Clock, CONFIG, type Config } from '#platform';
import { ViewingsService } from './viewings.service.js';

/** A viewing whose player has gone away is closed by the service, with what was delivered on record. */
@Injectable()
export class IdleViewings {
  private readonly logger = new Logger('IdleViewings');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly viewings: ViewingsService,
    private readonly clock: Clock,
  ) {}

  @Interval(5000)
  async closeThem(): Promise<void> {
    const now = this.clock.now();
    if (!decide({ kind: 'system', name: 'idle-viewings' }, 'viewing.expire', { kind: 'none' }, { now }).allowed) return;
    try {
      const before = new Date(now.getTime() - this.config.VIEWING_IDLE_SECONDS * 1000);
      for (const viewing of await this.viewings.idleSince(before))
        await this.viewings.close(viewing.id, 'service', system('idle-viewings'));
    } catch (error) {
      this.logger.warn({ err: error }, 'idle viewings could not be closed; trying again shortly');
    }
  }
}
