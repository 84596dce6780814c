import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { RecordingOfficers } from '#evidence';
import { attribution, PeopleService, type Caller, type Person, type PersonActor } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { AccessPolicyService } from '../policy/access-policy.service.js';
import type { BreakGlassPolicy } from '../policy/access-policy.rules.js';
import { AccessRequest, AccessRequestItem } from '../requests/access-request.entity.js';
import type { Purpose } from '../requests/access-request.rules.js';
import { NobodyToReview, PurposeNotForEmergencies } from './break-glass-problems.js';
import { reviewersAmong, whyNotTaken } from './break-glass.rules.js';
import { Footage } from '../grants/footage.service.js';
import { Grant } from '../grants/grant.entity.js';
import { NoticesService } from '../notices/notices.service.js';
import { Refused, RefusalsOnRecord } from '../requests/refusals-on-record.js';
import { RequestTargets, type TargetRecording } from '../requests/request-targets.js';

export interface Emergency {
  readonly recordings: readonly string[];
  readonly purpose: Purpose;
  readonly caseNumber: string;
  readonly justification: string;
}

export interface TakenAccess {
  readonly request: AccessRequest;
  readonly grants: readonly Grant[];
}

const HOUR_MS = 3_600_000;
const ACTIONS = ['view', 'view-unredacted'] as const;

// By the human being, under whatever account. What they closed themselves was not taken back from them.
const TAKEN_BACK = `SELECT DISTINCT g.recording_id AS id
  FROM grants g JOIN access_requests r ON r.id = g.request_id JOIN people p ON p.id = g.person_id
  WHERE g.basis = 'break-glass' AND g.recording_id = ANY($1) AND coalesce(p.same_as, p.id) = $2
    AND (r.justified IS FALSE OR g.revoked_at IS NOT NULL AND (r.state <> 'closed' OR g.revoked_at < r.closed_at))`;

/** Access that somebody takes before anybody decides: for hours, by the policy, and with those told at once who have to review it. */
@Injectable()
export class BreakGlassService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly policies: AccessPolicyService,
    private readonly targets: RequestTargets,
    private readonly footage: Footage,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
    private readonly notices: NoticesService,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /** All of the recordings or none. @throws Forbidden, PurposeNotForEmergencies, RecordingUnknown, NobodyToReview, ReleaseRefused */
  async open(emergency: Emergency, actor: PersonActor, caller: Caller): Promise<TakenAccess> {
    return this.refusals.of('break-glass.open', caller, () =>
      this.unitOfWork.run(async (tx) => {
        const recordings = await this.targets.resolve({ recordings: emergency.recordings }, caller, tx);
        const subjects = await this.refuseWhatMayNotBeTaken(tx, recordings, actor);
        const policy = this.policies.policy.breakGlass;
        if (policy === null) throw new Refused(recordings.map(({ id }) => ({ subject: id, reason: 'role' })));
        if (!policy.purposes.includes(emergency.purpose)) throw new PurposeNotForEmergencies(policy.purposes);
        const reviewers = reviewersAmong(await this.named(policy, tx), actor.human, subjects);
        if (reviewers.length === 0) throw new NobodyToReview();
        return this.write(tx, { emergency, recordings, policy, reviewers, actor, caller });
      }),
    );
  }

  /** @returns the human beings whose conduct the recordings show. @throws Refused */
  private async refuseWhatMayNotBeTaken(tx: Tx, recordings: readonly TargetRecording[], actor: PersonActor): Promise<string[]> {
    const shown: string[] = [];
    const taken = await tx.query<{ id: string }[]>(TAKEN_BACK, [recordings.map(({ id }) => id), actor.human]);
    const takenBack = new Set(taken.map(({ id }) => id));
    const refusals: { subject: string; reason: NonNullable<ReturnType<typeof whyNotTaken>> }[] = [];
    for (const recording of recordings) {
      const subjects = await this.officers.shown([recording], tx);
      const facts = await this.footage.facts(recording.id, 'playback', tx);
      const asked = { ...facts, subjects, takenBack: takenBack.has(recording.id) };
      const reason = whyNotTaken(actor, this.policies.policy.breakGlass, asked);
      if (reason !== undefined) refusals.push({ subject: recording.id, reason });
      shown.push(...subjects);
    }
    if (refusals.length > 0) throw new Refused(refusals);
    return shown;
  }

  private async named({ reviewerRoles, reviewers }: BreakGlassPolicy, tx: Tx): Promise<Person[]> {
    const byName = await Promise.all(reviewers.map((username) => this.people.findByUsername(username, tx)));
    const enabled = byName.flatMap((person) => (person === null || person.disabledAt !== null ? [] : [person]));
    return [...enabled, ...(await this.people.holding(reviewerRoles, tx))];
  }

  private async write(
    tx: Tx,
    taken: {
      readonly emergency: Emergency;
      readonly recordings: readonly TargetRecording[];
      readonly policy: BreakGlassPolicy;
      readonly reviewers: readonly Person[];
      readonly actor: PersonActor;
      readonly caller: Caller;
    },
  ): Promise<TakenAccess> {
    const { emergency, recordings, policy, reviewers, actor, caller } = taken;
    const { purpose, caseNumber, justification } = emergency;
    const now = this.clock.now();
    const until = new Date(now.getTime() + policy.hours * HOUR_MS);
    const request: AccessRequest = {
      ...{ id: uuidv7(), requestedBy: actor.id, purpose, caseNumber, justification, wantedUntil: until, asked: [...ACTIONS] },
      target: { recordings: recordings.map(({ id }) => id) },
      ...{ state: 'granted', createdAt: now, submittedAt: now, breakGlass: true },
      // Until when it has to be reviewed: there is nothing to decide any more.
      dueAt: new Date(now.getTime() + policy.reviewWithinHours * HOUR_MS),
      ...{ remindedAt: null, closedAt: null, reviewedBy: null, reviewedAt: null, justified: null, reviewNote: null },
      ...{ decidedBy: null, decidedAt: null, decisionReason: null },
    };
    const rule = { name: 'break-glass', seats: policy.reviewerRoles, need: 1 };
    const items = recordings.map(({ id: recordingId, sensitivity }): AccessRequestItem => {
      return { requestId: request.id, recordingId, state: 'granted', rule, sensitivity, decidedAt: now };
    });
    const grants = recordings.map(({ id: recordingId }): Grant => {
      return {
        ...{ id: uuidv7(), requestId: request.id, personId: actor.id, recordingId, purpose, caseNumber },
        ...{ grantedBy: null, basis: 'break-glass', actions: [...ACTIONS], maxViewings: null, viewingsOpened: 0 },
        ...{ startsAt: now, createdAt: now, expiresAt: until, revokedAt: null },
      };
    });
    await tx.insert(AccessRequest, request);
    await tx.insert(AccessRequestItem, items);
    await tx.insert(Grant, grants);
    const what = { request: request.id, purpose, caseNumber, justification, until: until.toISOString() };
    const told = reviewers.map(({ name }) => name);
    const entries = grants.map(({ id: grant, recordingId }) => {
      return { subject: recordingId, event: { type: 'break-glass.opened', grant, ...what, reviewers: told } as const };
    });
    await this.custody.appendAll(tx, entries, attribution(caller));
    const text =
      `${actor.name} took access in an emergency to ${recordings.length === 1 ? 'a recording' : `${recordings.length} recordings`}, ` +
      `case ${caseNumber}, until ${until.toISOString()}. Review it by ${request.dueAt?.toISOString() ?? ''}.`;
    const ids = reviewers.map(({ id }) => id);
    await this.notices.send(tx, ids, 'break-glass-opened', request.id, text);
    return { request, grants };
  }
}
