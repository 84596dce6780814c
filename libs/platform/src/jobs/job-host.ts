import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Queue, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { CONFIG, type Config } from '../config.js';
import { Notifications } from '../database/notifications.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import {
  Hopeless,
  JOB_GATE,
  JOB_HANDLERS,
  JOB_NAMES,
  JOBS,
  type JobGate,
  type JobHandlers,
  type JobName,
} from './job-catalogue.js';

interface OpenRow {
  job: JobName;
  ref: string;
}

const SWEEP_MS = 2000;
const LOCK_MS = 15_000;
const FAREWELL_MS = 3000;

/**
 * The worker's side of the outbox. The relay puts every open outbox row into its BullMQ queue, again and again, until the row is done:
 * so Redis may forget everything at any moment. An advisory lock on (job, ref) keeps a job that was queued twice from running twice.
 */
@Injectable()
export class JobHost implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('JobHost');
  private readonly stopping = new AbortController();
  /** Resolves when the process is told to stop. */
  private readonly told = new Promise<void>((resolve) =>
    this.stopping.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  private readonly queues = new Map<JobName, Queue>();
  private readonly workers: Worker[] = [];
  private readonly running = new Set<Promise<void>>();
  private connection: Redis;
  private relaying: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(JOB_HANDLERS) private readonly handlers: JobHandlers,
    @Inject(JOB_GATE) private readonly gate: JobGate,
    private readonly unitOfWork: UnitOfWork,
    private readonly notifications: Notifications,
  ) {}

  onApplicationBootstrap(): void {
    this.connection = new Redis(this.config.REDIS_URL, {
      maxRetriesPerRequest: null,
      // Also for the connections that BullMQ copies from this one: they stop trying when we stop.
      retryStrategy: (attempt) => (this.stopping.signal.aborted ? null : Math.min(attempt * 100, 2000)),
    });
    this.connection.on('error', (error) => this.logger.warn(`redis: ${error.message}`));
    for (const name of JOB_NAMES) {
      const queue = new Queue(name, { connection: this.connection, prefix: this.prefix });
      queue.on('error', () => undefined); // said once by the connection's own listener
      this.queues.set(name, queue);
      const worker = new Worker(name, (job) => this.noted(this.run(name, job)), {
        connection: this.connection,
        prefix: this.prefix,
        concurrency: name === 'transcode' ? this.config.TRANSCODE_CONCURRENCY : JOBS[name].concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: LOCK_MS / 2,
        maxStalledCount: 5,
      });
      worker.on('error', () => undefined);
      this.workers.push(worker);
    }
    this.relaying = this.relay();
  }

  /** Hands work back: running jobs are aborted and found again from the outbox by the next process. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.running);
    const orderly = async (): Promise<void> => {
      await Promise.all([this.relaying, ...this.workers.map((worker) => worker.close())]);
      await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    };
    // Without Redis none of this ever answers, and nothing is lost by leaving: the outbox has it all.
    await Promise.race([orderly().catch(() => undefined), setTimeout(FAREWELL_MS, undefined, { ref: false })]);
    this.connection.disconnect();
  }

  /** For health. */
  async ping(): Promise<void> {
    if (this.connection.status !== 'ready') throw new Error('not connected to Redis');
    await this.connection.ping();
  }

  /** One Redis can serve several installations: the database's name keeps their jobs apart. */
  private get prefix(): string {
    return `custodiet:${new URL(this.config.DATABASE_URL).pathname.slice(1)}`;
  }

  private async relay(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.notifications.connect();
        const heard = this.notifications.next('outbox', SWEEP_MS);
        const rows = await this.unitOfWork.reader.query<OpenRow[]>(
          `SELECT job, ref FROM outbox WHERE done_at IS NULL AND parked_at IS NULL AND due_at <= now() ORDER BY created_at LIMIT 1000`,
        );
        for (const row of rows) await this.enqueue(row);
        await Promise.race([heard, this.told]);
      } catch (error) {
        this.logger.warn(`the outbox could not be relayed: ${(error as Error).message}`);
        await Promise.race([this.notifications.next('outbox', SWEEP_MS), this.told]);
      }
    }
  }

  private async enqueue({ job, ref }: OpenRow): Promise<void> {
    // The same jobId is refused while the job waits or runs, so sweeping again is harmless.
    await this.queues.get(job)?.add(job, { ref }, { jobId: `${job}-${ref}`, removeOnComplete: true, removeOnFail: true });
  }

  private async noted(run: Promise<void>): Promise<void> {
    this.running.add(run);
    try {
      await run;
    } finally {
      this.running.delete(run);
    }
  }

  private async run(name: JobName, job: Job): Promise<void> {
    if (this.stopping.signal.aborted) return; // handed back, as it came
    const { ref } = job.data as { ref: string };
    this.gate.admit(name, ref);
    const lock = new Client({ connectionString: this.config.DATABASE_URL });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      const { rows } = await lock.query<{ locked: boolean }>(
        'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS locked',
        [name, ref],
      );
      if (rows[0]?.locked !== true || !(await this.isOpen(name, ref))) return;
      await this.attempt(name, ref, (percent) => void job.updateProgress(percent).catch(() => undefined));
    } finally {
      await lock.end();
    }
  }

  private async attempt(name: JobName, ref: string, progress: (percent: number) => void): Promise<void> {
    const handler = this.handlers[name];
    const started = Date.now();
    try {
      await handler.run(ref, { signal: this.stopping.signal, progress });
      await this.unitOfWork.reader.query('UPDATE outbox SET done_at = now() WHERE job = $1 AND ref = $2', [name, ref]);
      this.logger.log({ job: name, ref, ms: Date.now() - started }, 'job done');
    } catch (thrown) {
      if (this.stopping.signal.aborted) return; // handed back; not counted as an attempt
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.logger.error({ job: name, ref, err: error }, 'job failed');
      if (await this.countFailure(name, ref, error)) {
        await handler.gaveUp(ref, error);
        await this.unitOfWork.reader.query('UPDATE outbox SET parked_at = now() WHERE job = $1 AND ref = $2', [name, ref]);
      }
    }
  }

  /** @returns true when no attempt is left */
  private async countFailure(name: JobName, ref: string, error: Error): Promise<boolean> {
    const rows = await this.unitOfWork.reader.query<[{ attempts: number }[], number]>(
      `UPDATE outbox SET attempts = attempts + 1, last_error = $3, due_at = now() + least(300, power(2, least(attempts, 9))) * interval '1 second'
       WHERE job = $1 AND ref = $2 RETURNING attempts`,
      [name, ref, error.message.slice(0, 500)],
    );
    return error instanceof Hopeless || (rows[0][0]?.attempts ?? 0) >= JOBS[name].attempts;
  }

  private async isOpen(name: JobName, ref: string): Promise<boolean> {
    const rows = await this.unitOfWork.reader.query<unknown[]>(
      'SELECT 1 FROM outbox WHERE job = $1 AND ref = $2 AND done_at IS NULL AND parked_at IS NULL',
      [name, ref],
    );
    return rows.length > 0;
  }
}
