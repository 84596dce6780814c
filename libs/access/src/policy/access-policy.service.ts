import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v5 as uuidv5 } from 'uuid';
import { Custody } from '#custody';
import { system, type Role } from '#identity';
import { InvalidRequest, UnitOfWork, type Tx } from '#platform';
import { canonicalize } from '#tlog';
import { ACCESS_POLICY } from './access-policy-file.js';
import {
  dueAt,
  ruleFor,
  standingFor,
  type AccessPolicy,
  type Asking,
  type DecisionRule,
  type StandingRule,
} from './access-policy.rules.js';
import type { Purpose } from '../requests/access-request.rules.js';

/** What entries about the access policy are about. Made once at random; only has to stay the same. */
const NAMESPACE = 'b2b7b1c4-3d0e-4c8e-8a53-0f5c8f6f0a11';
export const ACCESS_POLICY_SUBJECT = uuidv5('access-policy', NAMESPACE);

const LOCK = 7239471;

/** The agency's access policy: who decides on what, who may go ahead in an emergency, and who has access without asking. */
@Injectable()
export class AccessPolicyService implements OnApplicationBootstrap {
  /** SHA-256 of the policy's RFC 8785 text, in hexadecimal: the same for the same rules, however the file is laid out. */
  readonly sha256: string;

  constructor(
    @Inject(ACCESS_POLICY) readonly policy: AccessPolicy,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
  ) {
    // Through JSON, which leaves out what is undefined.
    const text = canonicalize(JSON.parse(JSON.stringify(policy)) as Parameters<typeof canonicalize>[0]);
    this.sha256 = createHash('sha256').update(text).digest('hex');
  }

  /** Puts on record that another policy than the last holds from now on; once, though several processes start with it. */
  async onApplicationBootstrap(): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      if ((await lastAdopted(tx)) === this.sha256) return;
      const { rules, purposes } = this.policy;
      const event = { rules: rules.length, purposes: purposes.map(({ name }) => name), sha256: this.sha256 };
      await this.custody.append(tx, ACCESS_POLICY_SUBJECT, { type: 'access-policy.adopted', ...event }, system('access-policy'));
    });
  }

  ruleFor(item: Asking): DecisionRule {
    return ruleFor(this.policy, item);
  }

  /** @throws InvalidRequest for a purpose that is not in the agency's list */
  dueAt(purpose: Purpose, from: Date): Date {
    const due = dueAt(this.policy, purpose, from);
    if (due !== undefined) return due;
    const listed = this.policy.purposes.map(({ name }) => name).join(', ');
    throw new InvalidRequest([{ path: 'purpose', message: `must be one of the agency's purposes: ${listed}` }]);
  }

  standingFor(roles: readonly Role[], purpose: Purpose): StandingRule[] {
    return standingFor(this.policy, roles, purpose);
  }
}

async function lastAdopted(tx: Tx): Promise<string | undefined> {
  const [last] = await tx.query<{ sha256: string }[]>(
    `SELECT sha256 FROM (
       SELECT 0 AS waiting, index AS place, convert_from(header, 'UTF8')::jsonb ->> 'sha256' AS sha256
         FROM custody_entries WHERE subject = $1 AND type = 'access-policy.adopted'
       UNION ALL SELECT 1, ord, encode(sha256, 'hex') FROM custody_pending WHERE subject = $1 AND type = 'access-policy.adopted'
     ) adopted ORDER BY waiting DESC, place DESC LIMIT 1`,
    [ACCESS_POLICY_SUBJECT],
  );
  return last?.sha256;
}
