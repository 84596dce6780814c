interface JobFacts {
  /** Within one worker, unless the configuration says otherwise. */
  readonly concurrency: number;
  readonly attempts: number;
  /** A person may call it off: what it would have made can be asked for again, and nothing is left half kept. */
  readonly cancellable: boolean;
  /** Nobody waits for it: it goes after everything else. */
  readonly background: boolean;
}

/**
 * Every background job, each with a queue of its own. A job carries one id, never state; its outbox row, unique by (job, ref), decides whether
 * it is done. Probing is a part of `seal` and no job: a recording that has not been probed is not sealed, so nothing could go on in between.
 */
export const JOBS = {
  /** ref: recording. Reads the stored version back, hashes and probes it: sealed or quarantined. What can fail here is the infrastructure: it is never given up. */
  seal: { concurrency: 2, attempts: Infinity, cancellable: false, background: false },
  /** ref: recording. Probe and transcode to HLS with a poster. */
  transcode: { concurrency: 1, attempts: 5, cancellable: true, background: false },
  /** ref: rendering of a redaction. Renders one version of its plan and seals the result as a recording of its own. */
  redact: { concurrency: 1, attempts: 5, cancellable: true, background: false },
  /** ref: redaction proposal. Follows a box through a recording, or looks for faces and plates: what comes of it is for a person to take or leave. */
  propose: { concurrency: 1, attempts: 3, cancellable: true, background: false },
  /** ref: disclosure. Makes the package for a recipient: copies, bundles, reports and the verifier in one file. */
  disclose: { concurrency: 1, attempts: 5, cancellable: true, background: false },
  /** ref: fixity check. Hashes a stored version again. It can find something, but not fail: it is never given up. */
  fixity: { concurrency: 1, attempts: Infinity, cancellable: false, background: true },
  /** ref: recording whose upload was given up. Drops the parts that the store still has; tried until it does. */
  'drop-upload': { concurrency: 1, attempts: Infinity, cancellable: false, background: true },
} as const satisfies Record<string, JobFacts>;

export type JobName = keyof typeof JOBS;
export const JOB_NAMES = Object.keys(JOBS) as JobName[];

export interface JobContext {
  /** Aborted when the process is told to stop or the job is cancelled; goes all the way to the ffmpeg process. */
  readonly signal: AbortSignal;
  /** Percent, 0 to 100, as often as it likes: it is written down every two seconds at most. */
  readonly progress: (percent: number) => void;
}

export interface JobHandler {
  /** Also after `gaveUp`, when somebody has it tried again: then it takes back what that did. */
  run(ref: string, context: JobContext): Promise<void>;
  /** Called when the last attempt has failed or the job was cancelled, also before it ever ran, so that this is on record and visible. */
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

/** Thrown by a handler when trying again cannot help; `gaveUp` follows at once. The message is a sentence for people. */
export class Hopeless extends Error {}

/** Handed to `gaveUp` when a person called the job off. */
export class JobCancelled extends Hopeless {
  constructor() {
    super('It was cancelled; the custody record says by whom and why.');
  }
}

/** Handed to `gaveUp` when every process that began the job ended before the job did. */
export class WorkerDied extends Hopeless {
  constructor(starts: number) {
    super(
      `The worker ended ${starts === 1 ? 'once' : starts === 2 ? 'twice' : `${starts} times`} while it was at it, so it is not begun again by itself. ` +
        'If the worker was stopped for another reason, have it tried again.',
    );
  }
}
