import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { Clock, CONFIG, type Config } from '#platform';
import type { Attribution } from './catalogue.js';
import { CustodyLog } from './custody-log.service.js';
import { LogHeads } from './heads.service.js';

const BY: Attribution = { kind: 'system', id: null, name: 'heads-schedule' };
const HEADS_LOCK = 7239466;
/** How often it looks whether a map is due: what failed is tried again soon, and an hour is not much longer than an hour. */
const LOOKS_PER_PERIOD = 4;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Puts a heads map on record every HEADS_SECONDS, unless nothing happened since the last one, whoever made that. Several workers may run
 * one: the log itself says when the last map was made, and an advisory lock lets one of them look and act at a time.
 */
@Injectable()
export class HeadsSchedule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('HeadsSchedule');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'HEADS_SECONDS' | 'DATABASE_URL'>,
    private readonly clock: Clock,
    private readonly log: CustodyLog,
    private readonly heads: LogHeads,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const pause = Math.min((this.config.HEADS_SECONDS * 1000) / LOOKS_PER_PERIOD, LONGEST_PAUSE_MS);
    while (!signal.aborted) {
      try {
        await this.recordWhenDue();
      } catch (error) {
        this.logger.warn({ err: error }, 'the heads of the custody log could not be put on record; trying again shortly');
      }
      await setTimeout(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  private async recordWhenDue(): Promise<void> {
    if (!(await this.isDue())) return;
    // A connection of its own: one of the pool's, held while the map waits for another, could be the last one.
    const lock = new Client({ connectionString: this.config.DATABASE_URL });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      const { rows } = await lock.query<{ ours: boolean }>('SELECT pg_try_advisory_lock($1) AS ours', [HEADS_LOCK]);
      if (rows[0]?.ours === true && (await this.isDue())) await this.heads.record(BY);
    } finally {
      await lock.end();
    }
  }

  private async isDue(): Promise<boolean> {
    const newest = await this.heads.newest();
    // Also when it is from the future: a clock that was wrong must not keep maps away until it would have been right.
    const age = Math.abs(this.clock.now().getTime() - (newest?.at.getTime() ?? 0));
    if (age < this.config.HEADS_SECONDS * 1000 || !(await this.heads.hasGrownSince(newest?.size ?? 0n))) return false;
    return (await this.log.frozenBecause()) === undefined;
  }
}
