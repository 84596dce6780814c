import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { Custody } from '#custody';
import { RecordingOfficers, RecordingsService } from '#evidence';
import { attribution, decide, PeopleService, type Caller, type FootageFacts, type PersonActor } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { PurposeName, type StandingRule } from '../policy/access-policy.rules.js';
import { AccessPolicyService } from '../policy/access-policy.service.js';
import type { Purpose } from '../requests/access-request.rules.js';
import { Grant } from './grant.entity.js';
import { factsOf } from './grants.service.js';
import { standingRule, type Relations } from './standing-grant.rules.js';
import { SamplingsService } from '../sampling/samplings.service.js';

/** There is no request, hence no case number; entries and lists say so. */
const NO_CASE = 'none';

// One human being may have a grant by the rule already, under whatever account: used up. Or one that a person has taken back, which no other
// rule undoes, nor another purpose of the same.
const SPENT = `SELECT FROM grants g JOIN people p ON p.id = g.person_id
  WHERE g.recording_id = $1 AND coalesce(p.same_as, p.id) = $4
    AND (g.basis LIKE 'standing:%' AND g.revoked_at IS NOT NULL OR g.basis = $2 AND g.purpose = $3 AND g.expires_at > $5) LIMIT 1`;

/** Who wants to open what, and for which purpose. */
export interface StandingAsked {
  readonly actor: PersonActor;
  readonly footage: FootageFacts;
  readonly purpose: Purpose;
  readonly caller: Caller;
}

/**
 * Access that the agency's policy gives without anybody being asked: to one's own recordings, to what the lot fell on, to an auditor. It goes
 * through the same door, under a grant like every other, which is made when the viewing is opened and is on record with it.
 */
@Injectable()
export class StandingGrants {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly policies: AccessPolicyService,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
    private readonly samplings: SamplingsService,
    private readonly clock: Clock,
  ) {}

  /**
   * What the door is asked with: somebody's best grant where it opens the footage, else what a rule would give for the purpose that the body
   * of the request confirms; nothing is written.
   */
  async orFitting(best: Grant | null, actor: PersonActor, footage: FootageFacts, body: unknown): Promise<Grant | null> {
    const purpose = z.object({ purpose: PurposeName }).safeParse(body).data?.purpose;
    if (purpose === undefined || this.opens(best, actor, footage)) return best;
    return (await this.fitting(actor, footage, purpose)) ?? best;
  }

  /** The grant that a rule of the policy would give for this purpose; nothing is written. Null when no rule fits. @param on the open transaction, if there is one */
  async fitting(
    actor: PersonActor,
    footage: FootageFacts,
    purpose: Purpose,
    on: Tx = this.unitOfWork.reader,
  ): Promise<Grant | null> {
    const rules = this.policies.standingFor(actor.roles, purpose);
    if (rules.length === 0) return null;
    const rule = standingRule(rules, footage.needs, await this.relations(actor, footage, purpose, on));
    if (rule === undefined) return null;
    const grant = this.grantBy(rule, actor, footage, purpose);
    const spent = await on.query<object[]>(SPENT, [footage.recording, grant.basis, purpose, actor.human, grant.createdAt]);
    return spent.length === 0 ? grant : null;
  }

  /**
   * `best` where it opens the footage for this purpose; else what a rule gives, made and put on record: within the transaction that opens the
   * viewing, so that what is refused leaves no grant. Of two that are opened at the same moment one makes the grant and the other finds it.
   */
  async orTaken(
    tx: Tx,
    best: Grant | null,
    { actor, footage, purpose, caller }: StandingAsked,
    again: () => Promise<Grant | null>,
  ): Promise<Grant | null> {
    if (best?.purpose === purpose && this.opens(best, actor, footage)) return best;
    if (this.policies.standingFor(actor.roles, purpose).length === 0) return best;
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`standing:${actor.human}:${footage.recording}`]);
    const grant = await this.fitting(actor, footage, purpose, tx);
    if (grant === null) return again();
    await tx.insert(Grant, grant);
    const event = {
      type: 'access.granted',
      request: '',
      grant: grant.id,
      person: actor.id,
      personName: actor.name,
      from: grant.startsAt.toISOString(),
      until: grant.expiresAt.toISOString(),
      actions: grant.actions,
      viewings: grant.maxViewings,
      basis: grant.basis,
    } as const;
    await this.custody.append(tx, footage.recording, event, attribution(caller));
    return grant;
  }

  private opens(grant: Grant | null, actor: PersonActor, footage: FootageFacts): boolean {
    if (grant === null) return false;
    return decide(actor, 'viewing.open', { kind: 'footage', grant: factsOf(grant), ...footage }, { now: this.clock.now() })
      .allowed;
  }

  private async relations(actor: PersonActor, { recording: id }: FootageFacts, purpose: Purpose, on: Tx): Promise<Relations> {
    const recording = await this.recordings.get(id, on);
    const shown = await this.officers.shown([recording], on);
    const made = recording.officerId === null ? [] : await this.people.humans([recording.officerId], on);
    return {
      own: made.includes(actor.human),
      shown: shown.includes(actor.human),
      sampled: await this.samplings.hasDrawn(id, purpose, on),
    };
  }

  private grantBy(rule: StandingRule, actor: PersonActor, { recording }: FootageFacts, purpose: Purpose): Grant {
    const now = this.clock.now();
    return {
      id: uuidv7(),
      requestId: null,
      personId: actor.id,
      recordingId: recording,
      purpose,
      caseNumber: NO_CASE,
      grantedBy: null,
      basis: `standing:${rule.name}`,
      actions: [...rule.actions],
      startsAt: now,
      maxViewings: rule.maxViewings,
      viewingsOpened: 0,
      createdAt: now,
      expiresAt: new Date(now.getTime() + rule.hours * 3_600_000),
      revokedAt: null,
    };
  }
}
