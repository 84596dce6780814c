import { Inject, Injectable } from '@nestjs/common';
import { NotSealed, RecordingsService } from '#evidence';
import { checkPlan, type RedactionPlan } from '#media';
import { CONFIG, type Config } from '#platform';
import { policyFaults, type RedactionPolicy } from './redaction-policy.rules.js';
import { PlanFaulty } from './redaction-problems.js';

/** Whether a plan fits its recording and what the agency allows. */
@Injectable()
export class PlanChecks {
  readonly policy: RedactionPolicy;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly recordings: RecordingsService,
  ) {
    this.policy = { reasons: config.REDACTION_REASONS, styles: config.REDACTION_STYLES };
  }

  /** @throws NotFound, NotSealed, PlanFaulty with every fault at once, or with why the picture cannot be decoded */
  async mustFit(plan: RedactionPlan, recordingId: string): Promise<void> {
    const { state, reason, probe } = await this.recordings.get(recordingId);
    if (state !== 'sealed' || probe === null) throw new NotSealed(state, reason);
    // Nobody can say where in a picture something is that nobody can see, and nothing could be rendered.
    if (probe.problem !== undefined) throw new PlanFaulty([probe.problem]);
    const faults = [...checkPlan(plan, probe), ...policyFaults(plan, this.policy)];
    if (faults.length > 0) throw new PlanFaulty(faults);
  }
}
