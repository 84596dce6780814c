import { JOBS, type JobName } from './job-catalogue.js';
import { JobNotCancellable, JobNotOver, JobOver, JobStillEnding } from './job-problems.js';

/** Parked: given up, after its last attempt or because it takes its worker with it. */
export const JOB_STATES = ['waiting', 'running', 'done', 'parked', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What became of a job, as its outbox row has it. */
export interface JobFate {
  readonly job: JobName;
  readonly doneAt: Date | null;
  readonly parkedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly startedAt: Date | null;
  /** Some process holds its lock. A worker that died holds none, whatever the row says. */
  readonly held: boolean;
}

/** Work that was finished before it could be ended is done, although it was cancelled. */
export function stateOf({ doneAt, cancelledAt, parkedAt, startedAt, held }: JobFate): JobState {
  if (doneAt !== null) return 'done';
  if (cancelledAt !== null) return 'cancelled';
  if (parkedAt !== null) return 'parked';
  return startedAt !== null && held ? 'running' : 'waiting';
}

/** @throws JobNotCancellable, JobOver */
export function mustBeCancellable(fate: JobFate): void {
  if (!JOBS[fate.job].cancellable) throw new JobNotCancellable(fate.job);
  const state = stateOf(fate);
  if (state !== 'waiting' && state !== 'running') throw new JobOver(state);
}

/** @throws JobNotOver, JobStillEnding */
export function mustBeRetryable(fate: JobFate): void {
  const state = stateOf(fate);
  if (state !== 'parked' && state !== 'cancelled') throw new JobNotOver(state);
  // Tried again before the worker has given it up, it would be given up afterwards
  if (fate.parkedAt === null) throw new JobStillEnding();
}
