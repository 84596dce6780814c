import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { eventually } from '../../../../../test/support/eventually.js';
import { testEnvironment, type TestEnvironment } from '../../../../../test/support/stack.js';
import { loadConfig, type Config } from '../../config.js';
import { Notifications } from '../../database/notifications.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { JobBoard, type JobRecord } from '../job-board.js';
import { JOB_NAMES, type JobContext, type JobHandlers, type JobName } from '../job-catalogue.js';
import type { Urgency } from '../job-priority.rules.js';
import { JobHost } from '../job-host.js';
import { Outbox } from '../outbox.js';

export type Work = (ref: string, context: JobContext) => Promise<void>;
export const NOTHING: Work = () => Promise.resolve();

export interface Running {
  readonly host: JobHost;
  readonly notifications: Notifications;
}

export interface OutboxRow {
  readonly attempts: number;
  readonly last_error: string | null;
  readonly done: boolean;
  readonly parked: boolean;
  /** Seconds until it is due. */
  readonly waits: number;
  readonly starts: number;
}

/** Job hosts on a database and a Redis of their own, whose jobs do what a test says. */
export class JobStage {
  readonly outbox = new Outbox();
  readonly board: JobBoard;
  hosts: Running[] = [];
  /** In the order in which it happened, over all hosts. */
  runs: string[] = [];
  gaveUp: { readonly ref: string; readonly message: string }[] = [];
  admitted: string[] = [];
  readonly refused = new Set<string>();

  private constructor(
    private readonly environment: TestEnvironment,
    readonly config: Config,
    private readonly dataSource: DataSource,
    readonly unitOfWork: UnitOfWork,
    readonly redis: Redis,
  ) {
    this.board = new JobBoard(unitOfWork);
  }

  static async open(): Promise<JobStage> {
    Logger.overrideLogger(false);
    const environment = await testEnvironment();
    const config = loadConfig('worker', { ...environment.env });
    const dataSource = await new DataSource({ type: 'postgres', url: config.DATABASE_URL, poolSize: 12 }).initialize();
    return new JobStage(environment, config, dataSource, new UnitOfWork(dataSource), new Redis(config.REDIS_URL));
  }

  async close(): Promise<void> {
    await this.forgetAll();
    this.redis.disconnect();
    await this.dataSource.destroy();
    await this.environment.dispose();
  }

  /** Between two tests. */
  async clear(): Promise<void> {
    await Promise.all(this.hosts.map((host) => this.stop(host)));
    await this.unitOfWork.reader.query('UPDATE outbox SET parked_at = now() WHERE done_at IS NULL AND parked_at IS NULL');
    [this.hosts, this.runs, this.gaveUp, this.admitted] = [[], [], [], []];
    this.refused.clear();
  }

  start(work: Work = NOTHING, failsToGiveUp: () => boolean = () => false, changes: Partial<Config> = {}): Running {
    const handler = {
      run: async (ref: string, context: JobContext) => {
        this.runs.push(ref);
        await work(ref, context);
      },
      gaveUp: (ref: string, error: Error) => {
        this.gaveUp.push({ ref, message: error.message });
        return failsToGiveUp() ? Promise.reject(new Error('the record could not be written')) : Promise.resolve();
      },
    };
    const admit = (_: JobName, ref: string): void => {
      this.admitted.push(ref);
      if (this.refused.has(ref)) throw new Error('this job may not run');
    };
    const handlers = Object.fromEntries(JOB_NAMES.map((name) => [name, handler])) as unknown as JobHandlers;
    const config = { ...this.config, ...changes };
    const notifications = new Notifications(config);
    const host = new JobHost(config, handlers, { admit }, this.unitOfWork, notifications);
    host.onApplicationBootstrap();
    const running = { host, notifications };
    this.hosts.push(running);
    return running;
  }

  async stop({ host, notifications }: Running): Promise<void> {
    this.hosts = this.hosts.filter((each) => each.host !== host);
    await host.onApplicationShutdown();
    await notifications.onApplicationShutdown();
  }

  /** Asks for a job in a transaction of its own. @returns its ref */
  async ask(job: JobName, ref: string = randomUUID(), urgency: Partial<Urgency> & { recording?: string } = {}): Promise<string> {
    await this.unitOfWork.run((tx) => this.outbox.add(tx, job, ref, { recording: ref, flagged: false, ...urgency }));
    return ref;
  }

  async row(ref: string): Promise<OutboxRow | undefined> {
    const rows = await this.unitOfWork.reader.query<OutboxRow[]>(
      `SELECT attempts, last_error, done_at IS NOT NULL AS done, parked_at IS NOT NULL AS parked, starts,
         extract(epoch FROM due_at - now())::float AS waits
       FROM outbox WHERE ref = $1`,
      [ref],
    );
    return rows[0];
  }

  /** As people see the job. */
  async seen(ref: string): Promise<JobRecord> {
    const { jobs } = await this.board.list({ recording: ref, limit: 1 });
    if (jobs[0] === undefined) throw new Error(`There is no job about ${ref}.`);
    return jobs[0];
  }

  async done(...refs: string[]): Promise<true> {
    return eventually(
      'the jobs are done',
      async () => (await Promise.all(refs.map((ref) => this.row(ref)))).every((each) => each?.done === true) || undefined,
    );
  }

  async parked(ref: string): Promise<true> {
    return eventually('the job is parked', async () => (await this.row(ref))?.parked === true || undefined);
  }

  async began(ref: string, times = 1): Promise<true> {
    return eventually('the job has begun', () => this.runsOf(ref) >= times || undefined);
  }

  /** Waits in Redis too. */
  async queued(ref: string): Promise<true> {
    return eventually(
      'the job waits in Redis',
      async () => (await this.redis.keys(`*${this.environment.database.name}*${ref}`)).length > 0 || undefined,
    );
  }

  /** Spares the test the pauses between attempts. */
  async hurry(ref: string): Promise<void> {
    await this.unitOfWork.reader.query('UPDATE outbox SET due_at = now() WHERE ref = $1 AND due_at > now()', [ref]);
    await this.unitOfWork.reader.query('NOTIFY outbox');
  }

  /** What FLUSHALL does, to the keys of this database only. @returns how many there were */
  async forgetAll(): Promise<number> {
    const keys = await this.redis.keys(`*${this.environment.database.name}*`);
    return keys.length === 0 ? 0 : this.redis.del(keys);
  }

  runsOf(ref: string): number {
    return this.runs.filter((each) => each === ref).length;
  }
}
