import { isDatabaseOutage } from '../database/database-outage.js';
import { Outage, Problem } from '../problem.js';
import { Hopeless } from './job-catalogue.js';

/** Whether it is worth trying again. What a service that does not answer brings about is no fault of the job, however often it happens. */
export function isExhausted(error: Error, failures: number, attempts: number): boolean {
  if (error instanceof Hopeless) return true;
  return failures >= attempts && !isOutage(error);
}

function isOutage(error: Error): boolean {
  return error instanceof Outage || isDatabaseOutage(error);
}

const LONGEST_SENTENCE = 500;
const WORDS_FOR_PEOPLE = new Set(['MediaError']);

/** What people are told of a failure. What was thrown in its own words, which may name paths and hosts, is for the log. */
export function sentenceOf(error: Error): string {
  // libs/media knows nothing of this library and speaks in sentences all the same: hence by its name
  if (error instanceof Hopeless || error instanceof Problem || WORDS_FOR_PEOPLE.has(error.name))
    return error.message.slice(0, LONGEST_SENTENCE);
  if (isOutage(error)) return 'Something that the work depends on did not answer.';
  if ('code' in error && error.code === 'ENOSPC') return "The disk of the worker's scratch space is full.";
  return 'Something unexpected went wrong; the worker log says what.';
}
