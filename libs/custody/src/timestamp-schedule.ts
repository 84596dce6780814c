import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { CONFIG, type Config } from '#platform';
import { CustodyLog } from './custody-log.service.js';
import { LogTimestamps } from './timestamps.service.js';

const TIMESTAMP_LOCK = 7239467;
/** How often it looks whether one is due: what failed is tried again soon, and an hour is not much longer than an hour. */
const LOOKS_PER_PERIOD = 4;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Has the newest checkpoint timestamped every TIMESTAMP_SECONDS, if there are authorities and the log has grown. Several workers may run
 * one: what is on record says when that was last done, and an advisory lock lets one of them look and ask at a time.
 */
@Injectable()
export class TimestampSchedule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('TimestampSchedule');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'TIMESTAMP_AUTHORITIES' | 'TIMESTAMP_SECONDS' | 'DATABASE_URL'>,
    private readonly log: CustodyLog,
    private readonly timestamps: LogTimestamps,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.TIMESTAMP_AUTHORITIES.length > 0) this.running = this.run();
  }

  /** Waits for an authority that is being asked just now: a few seconds at most. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const pause = Math.min((this.config.TIMESTAMP_SECONDS * 1000) / LOOKS_PER_PERIOD, LONGEST_PAUSE_MS);
    while (!signal.aborted) {
      try {
        await this.timestampWhenDue();
      } catch (error) {
        this.logger.warn({ err: error }, 'the custody log could not be timestamped; trying again shortly');
      }
      await setTimeout(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  private async timestampWhenDue(): Promise<void> {
    if (!(await this.isDue())) return;
    // A connection of its own: one of the pool's, held while authorities take their time, could be the last one.
    const lock = new Client({ connectionString: this.config.DATABASE_URL });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      const { rows } = await lock.query<{ ours: boolean }>('SELECT pg_try_advisory_lock($1) AS ours', [TIMESTAMP_LOCK]);
      if (rows[0]?.ours !== true || !(await this.isDue())) return;
      const newest = await this.log.newestTrusted();
      if (newest !== undefined) await this.timestamps.of(newest);
    } finally {
      await lock.end();
    }
  }

  private async isDue(): Promise<boolean> {
    return this.timestamps.due(this.config.TIMESTAMP_SECONDS);
  }
}
