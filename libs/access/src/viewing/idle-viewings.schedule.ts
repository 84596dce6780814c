import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { decide, system } from '#identity';
import { Clock, CONFIG, type Config } from '#platform';
import { LOOK_EVERY_MS, momentsAt } from './idle-viewings.rules.js';
import { ViewingsService } from './viewings.service.js';

/** Closes viewings whose players have gone away, or whose right to watch has ended, and puts on record how far the others are. */
@Injectable()
export class IdleViewings {
  private readonly logger = new Logger('Viewings');
  private isLooking = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly viewings: ViewingsService,
    private readonly clock: Clock,
  ) {}

  @Interval(LOOK_EVERY_MS)
  async look(): Promise<void> {
    const now = this.clock.now();
    const actor = { kind: 'system', name: 'idle-viewings' } as const;
    if (this.isLooking || !decide(actor, 'viewing.expire', { kind: 'none' }, { now }).allowed) return;
    this.isLooking = true;
    const { VIEWING_IDLE_SECONDS: idleSeconds, VIEWING_PROGRESS_SECONDS: progressSeconds } = this.config;
    const moments = momentsAt(now, { idleSeconds, progressSeconds });
    try {
      for (const id of await this.viewings.over(moments))
        await this.attempt(id, () => this.viewings.close(id, 'service', system('idle-viewings')));
      for (const id of await this.viewings.toProgress(moments.unrecordedSince))
        await this.attempt(id, () => this.viewings.progress(id, moments.unrecordedSince, system('viewings-in-progress')));
    } catch (error) {
      this.logger.warn({ err: error }, 'viewings could not be closed or put on record; trying again shortly');
    } finally {
      this.isLooking = false;
    }
  }

  /** One that cannot be closed must not keep all others open. */
  private async attempt(viewing: string, work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) =>
      this.logger.error({ err: error, viewing }, 'a viewing could not be closed or put on record; trying again shortly'),
    );
  }
}
