/** Every background job. A job carries one id, never state; its outbox row, unique by (job, ref), decides whether it is done. */
export const JOBS = {
  /** ref: recording. Reads the stored version back, hashes and probes it: sealed or quarantined. What can fail here is the infrastructure: it is never given up. */
  seal: { concurrency: 2, attempts: Infinity },
  /** ref: recording. Probe and transcode to HLS with a poster. */
  transcode: { concurrency: 1, attempts: 5 },
  /** ref: redaction. Renders the plan and seals the result as a recording of its own. */
  redact: { concurrency: 1, attempts: 5 },
  /** ref: fixity check. Hashes a stored version again. It can find something, but not fail: it is never given up. */
  fixity: { concurrency: 1, attempts: Infinity },
  /** ref: recording whose upload was given up. Drops the parts that the store still has; tried until it does. */
  'drop-upload': { concurrency: 1, attempts: Infinity },
} as const satisfies Record<string, { concurrency: number; attempts: number }>;

export type JobName = keyof typeof JOBS;
export const JOB_NAMES = Object.keys(JOBS) as JobName[];

export interface JobContext {
  /** Aborted when the process is told to stop; goes all the way to the ffmpeg process. */
  readonly signal: AbortSignal;
  /** Percent, 0 to 100. */
  readonly progress: (percent: number) => void;
}

export interface JobHandler {
  run(ref: string, context: JobContext): Promise<void>;
  /** Called once when the last attempt has failed, so that the failure is on record and visible. */
  gaveUp(ref: string, error: Error): Promise<void>;
}

/** A job without a handler does not compile. */
export type JobHandlers = { readonly [K in JobName]: JobHandler };
export const JOB_HANDLERS = Symbol('JOB_HANDLERS');

/** Asked before every job runs; throws when the job may not. Implemented by libs/identity through `decide`. */
export interface JobGate {
  admit(job: JobName, ref: string): void;
}
export const JOB_GATE = Symbol('JOB_GATE');

/** Thrown by a handler when trying again cannot help; `gaveUp` follows at once. */
export class Hopeless extends Error {}
