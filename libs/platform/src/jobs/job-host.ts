import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { CONFIG, type Config } from '../config.js';
import { Notifications } from '../database/notifications.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { JOB_GATE, JOB_HANDLERS, JOB_NAMES, JOBS, type JobGate, type JobHandlers, type JobName } from './job-catalogue.js';
import { JobRelay } from './job-relay.js';
import { JobRows } from './job-rows.js';
import { JobRunner } from './job-runner.js';

const LOCK_MS = 15_000;
const FAREWELL_MS = 3000;

/** The worker's side of the outbox: a relay that fills one BullMQ queue for each job, and workers that take from them. */
@Injectable()
export class JobHost implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('JobHost');
  private readonly stopping = new AbortController();
  private readonly queues = new Map<JobName, Queue>();
  private readonly workers: Worker[] = [];
  private readonly runner: JobRunner;
  private readonly relay: JobRelay;
  private connection: Redis;
  private relaying: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(JOB_HANDLERS) handlers: JobHandlers,
    @Inject(JOB_GATE) gate: JobGate,
    unitOfWork: UnitOfWork,
    notifications: Notifications,
  ) {
    const { signal } = this.stopping;
    const rows = new JobRows(unitOfWork, randomUUID());
    const settings = { databaseUrl: config.DATABASE_URL, starts: config.JOB_STARTS };
    this.runner = new JobRunner(handlers, gate, rows, settings, signal);
    this.relay = new JobRelay(rows, this.runner, this.queues, notifications, signal);
  }

  onApplicationBootstrap(): void {
    this.connection = new Redis(this.config.REDIS_URL, {
      maxRetriesPerRequest: null,
      // Also for the connections that BullMQ copies from this one: they stop trying when we stop.
      retryStrategy: (attempt) => (this.stopping.signal.aborted ? null : Math.min(attempt * 100, 2000)),
    });
    this.connection.on('error', (error) => this.logger.warn(`redis: ${error.message}`));
    for (const name of JOB_NAMES) this.open(name);
    this.relaying = Promise.all([this.relay.fillQueues(), this.relay.endCancelled()]);
  }

  /** Hands work back: running jobs are aborted and found again from the outbox by the next process. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.runner.idle();
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

  private open(name: JobName): void {
    // One Redis can serve several installations: the database's name keeps their jobs apart.
    const prefix = `custodiet:${new URL(this.config.DATABASE_URL).pathname.slice(1)}`;
    const queue = new Queue(name, { connection: this.connection, prefix });
    queue.on('error', () => undefined); // said once by the connection's own listener
    this.queues.set(name, queue);
    const worker = new Worker(name, (job) => this.runner.run({ job: name, ref: (job.data as { ref: string }).ref }), {
      connection: this.connection,
      prefix,
      concurrency: this.concurrencyOf(name),
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS / 2,
      maxStalledCount: 5,
    });
    worker.on('error', () => undefined);
    this.workers.push(worker);
  }

  private concurrencyOf(name: JobName): number {
    const { TRANSCODE_CONCURRENCY: transcode, REDACT_CONCURRENCY: redact } = this.config;
    const configured: Partial<Record<JobName, number>> = { transcode, redact };
    return configured[name] ?? JOBS[name].concurrency;
  }
}
