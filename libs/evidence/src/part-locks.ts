import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { CONFIG, type Config } from '#platform';
import { Busy } from './evidence-problems.js';
import { comeBackAfter } from './part-intake.rules.js';

const TRY_AGAIN_MS = 100;
const GIVE_UP_MS = 15_000;
const ANSWER_WITHIN_MS = 10_000;
/** The locks of a host that vanished without a word are free after half a minute. */
const KEEPALIVES = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

/**
 * Lets one request at a time, of all API processes, work on a part. The store keeps the bytes that came last, the table what came first:
 * were two senders of different bytes let in at once, the table could name bytes that the store no longer has.
 *
 * Advisory locks of one session, not of a transaction each: a part may be on its way to a slow store for long, and the pool would be
 * short of a connection for as long.
 */
@Injectable()
export class PartLocks implements OnApplicationShutdown {
  private session: LockSession | undefined;
  private opening: Promise<LockSession> | undefined;
  /** The end of the line for each part in this process: a session is given a lock that it has already, so it cannot tell its own apart. */
  private readonly lines = new Map<string, Promise<void>>();

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * @param work its signal is aborted when the lock was lost with the connection: another may hold it then
   * @throws Busy when others work on the part for longer than patience
   */
  async holding<T>(
    recordingId: string,
    part: number,
    work: (lost: AbortSignal) => Promise<T>,
    patienceMs = GIVE_UP_MS,
  ): Promise<T> {
    const name = `${recordingId}/${part}`;
    const deadline = Date.now() + patienceMs;
    const before = this.lines.get(name) ?? Promise.resolve();
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const line = before.then(() => left);
    this.lines.set(name, line);
    try {
      await settledWithin(patienceMs, before);
      const session = await this.locked(name, deadline);
      try {
        return await work(session.lost);
      } finally {
        await session.unlock(name);
      }
    } finally {
      leave();
      // Whoever gave up waiting leaves before those who came earlier, and the session would give their lock to the next.
      void line.then(() => {
        if (this.lines.get(name) === line) this.lines.delete(name);
      });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.session?.end();
  }

  private async locked(name: string, deadline: number): Promise<LockSession> {
    for (;;) {
      const session = await this.connected();
      if (await session.tryLock(name)) return session;
      if (Date.now() > deadline) throw new Busy(comeBackAfter(Math.random()));
      await delay(TRY_AGAIN_MS);
    }
  }

  private async connected(): Promise<LockSession> {
    if (this.session?.lost.aborted === false) return this.session;
    this.opening ??= LockSession.open(this.config.DATABASE_URL).finally(() => (this.opening = undefined));
    this.session = await this.opening;
    return this.session;
  }
}

/** @throws Busy */
async function settledWithin(ms: number, before: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Busy(comeBackAfter(Math.random())));
    }, ms);
  });
  try {
    await Promise.race([before, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One connection to the database and the locks that live as long as it does. */
class LockSession {
  private readonly gone = new AbortController();
  /** One query at a time: pg no longer takes a second one meanwhile. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly client: Client) {
    client.on('error', () => this.gone.abort());
    client.on('end', () => this.gone.abort());
  }

  static async open(url: string): Promise<LockSession> {
    const client = new Client({
      connectionString: url,
      application_name: 'custodiet part locks',
      options: KEEPALIVES,
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    const session = new LockSession(client);
    await client.connect();
    return session;
  }

  /** Aborted when the connection, and with it every lock, is gone. */
  get lost(): AbortSignal {
    return this.gone.signal;
  }

  async tryLock(name: string): Promise<boolean> {
    return this.ask('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS done', name);
  }

  async unlock(name: string): Promise<void> {
    // A lock that cannot be given back goes with its connection: what was done under it is done.
    await this.ask('SELECT pg_advisory_unlock(hashtextextended($1, 0)) AS done', name).catch(() => undefined);
  }

  async end(): Promise<void> {
    this.gone.abort();
    await this.client.end().catch(() => undefined);
  }

  /** A connection that failed once is not used again: nobody knows which locks it still has. */
  private async ask(query: string, name: string): Promise<boolean> {
    const asking = this.last.then(() => this.client.query<{ done: boolean }>(query, [name]));
    this.last = asking.catch(() => undefined);
    try {
      const { rows } = await asking;
      return rows[0]?.done === true;
    } catch (error) {
      await this.end();
      throw error;
    }
  }
}
