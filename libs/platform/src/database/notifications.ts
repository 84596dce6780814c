import { EventEmitter } from 'node:events';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { CONFIG, type Config } from '../config.js';

/** Channels of PostgreSQL NOTIFY. Only hints: whoever waits looks into the tables, and looks again when the connection was lost. */
const CHANNELS = ['outbox', 'jobs', 'custody_sequenced', 'custody_checkpoint', 'uploads', 'upload_parts'] as const;
export type Channel = (typeof CHANNELS)[number];

/** One LISTEN connection a process, shared by everything that waits. */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly logger = new Logger('Notifications');
  private readonly events = new EventEmitter().setMaxListeners(0);
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private stopped = false;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * Resolves with the first non-undefined answer of `look`, which is asked at once, at each notification, and every second in case one was lost.
   * @throws the error made by `late` after `timeoutMs`
   */
  async waitFor<T>(channel: Channel, look: () => Promise<T | undefined>, timeoutMs: number, late: () => Error): Promise<T> {
    await this.connect();
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const heard = this.next(channel, Math.min(1000, Math.max(1, deadline - Date.now())));
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() >= deadline) throw late();
      await heard;
    }
  }

  /** Resolves at the next notification on `channel` or after `timeoutMs`. */
  async next(channel: Channel, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.events.off(channel, done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.events.on(channel, done);
    });
  }

  /**
   * Calls `heard` with the payload of each notification on `channel`, and without one whenever some may have been missed: look at everything then.
   * @returns what ends it
   */
  follow(channel: Channel, heard: (payload?: string) => void): () => void {
    this.events.on(channel, heard);
    return () => void this.events.off(channel, heard);
  }

  async connect(): Promise<void> {
    if (this.client !== undefined || this.stopped) return;
    this.connecting ??= this.listen().finally(() => (this.connecting = undefined));
    await this.connecting;
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    for (const channel of CHANNELS) this.events.emit(channel); // whoever still waits looks once more, and may go
    await this.client?.end().catch(() => undefined);
  }

  private async listen(): Promise<void> {
    const client = new Client({ connectionString: this.config.DATABASE_URL, keepAlive: true });
    client.on('notification', ({ channel, payload }) => this.events.emit(channel, payload));
    client.on('error', (error) => {
      if (!this.stopped) this.logger.warn(`the LISTEN connection was lost: ${error.message}`);
      this.client = undefined;
    });
    await client.connect();
    await client.query(CHANNELS.map((channel) => `LISTEN ${channel}`).join('; '));
    this.client = client;
    for (const channel of CHANNELS) this.events.emit(channel); // what was sent while nobody listened is not sent again
  }
}
