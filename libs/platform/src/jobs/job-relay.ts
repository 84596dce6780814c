import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Channel, Notifications } from '../database/notifications.js';
import { JOB_NAMES, type JobName } from './job-catalogue.js';
import type { JobRows, WaitingJob } from './job-rows.js';
import type { JobRunner } from './job-runner.js';

/** Also when nobody says that there is something to do. */
const SWEEP_MS = 2000;

/**
 * Puts every open outbox row into its queue, again and again, until the row is done: so Redis may forget everything at any moment. What was
 * cancelled is looked for in a loop of its own, which waits for no Redis.
 */
export class JobRelay {
  private readonly logger = new Logger('JobRelay');
  /** Resolves when the process is told to stop. */
  private readonly told: Promise<void>;

  constructor(
    private readonly rows: JobRows,
    private readonly runner: JobRunner,
    private readonly queues: ReadonlyMap<JobName, Queue>,
    private readonly notifications: Notifications,
    private readonly stopping: AbortSignal,
  ) {
    this.told = new Promise((resolve) => stopping.addEventListener('abort', () => resolve(), { once: true }));
  }

  /** Until the process is told to stop. */
  async fillQueues(): Promise<void> {
    await this.repeat('outbox', async () => {
      for (const row of await this.rows.waiting(JOB_NAMES)) await this.enqueue(row);
    });
  }

  /** Until the process is told to stop. */
  async endCancelled(): Promise<void> {
    await this.repeat('jobs', async () => {
      for (const key of await this.rows.cancelled()) await this.runner.cancel(key);
    });
  }

  private async repeat(channel: Channel, sweep: () => Promise<void>): Promise<void> {
    while (!this.stopping.aborted) {
      let heard: Promise<void> | undefined;
      try {
        await this.notifications.connect();
        heard = this.notifications.next(channel, SWEEP_MS);
        await sweep();
      } catch (error) {
        this.logger.warn(`the outbox could not be relayed: ${(error as Error).message}`);
      }
      await Promise.race([heard ?? this.notifications.next(channel, SWEEP_MS), this.told]);
    }
  }

  private async enqueue({ job, ref, priority }: WaitingJob): Promise<void> {
    const queue = this.queues.get(job);
    const jobId = `${job}-${ref}`;
    const queued = await queue?.getJob(jobId);
    if (queued !== undefined && queued.priority !== priority) await queued.changePriority({ priority });
    // The same jobId is refused while the job waits or runs, so sweeping again is harmless, and so is another relay beside this one.
    if (queued === undefined) await queue?.add(job, { ref }, { jobId, priority, removeOnComplete: true, removeOnFail: true });
  }
}
