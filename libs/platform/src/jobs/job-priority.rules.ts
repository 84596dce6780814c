import { JOBS, type JobName } from './job-catalogue.js';

/** What makes a job urgent. */
export interface Urgency {
  /** About a recording of an incident that was flagged. */
  readonly flagged: boolean;
  /** Somebody asked for it and waits. */
  readonly awaited?: boolean;
}

const BACKGROUND = 10;

/** Of a job: the smaller goes first. Flagged incidents, then what a person waits for, then the rest; jobs in the background after all of them. */
export function priorityOf(job: JobName, { flagged, awaited = false }: Urgency): number {
  const among = flagged ? 1 : awaited ? 2 : 3;
  return JOBS[job].background ? BACKGROUND + among : among;
}
