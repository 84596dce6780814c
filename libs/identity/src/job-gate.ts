import { Injectable } from '@nestjs/common';
import { Clock, type JobGate, type JobName } from '#platform';
import { Forbidden } from './authorization.js';
import { decide } from './decide.rules.js';

/** Jobs ask the same question as routes. */
@Injectable()
export class DecidingJobGate implements JobGate {
  constructor(private readonly clock: Clock) {}

  admit(job: JobName): void {
    const decision = decide({ kind: 'system', name: 'worker' }, `job.${job}`, { kind: 'none' }, { now: this.clock.now() });
    if (!decision.allowed) throw new Forbidden(decision.reason);
  }
}
