import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { GrantAction, Role } from '#identity';
import type { DecisionRule } from '../policy/access-policy.rules.js';
import type { Purpose, RequestState, Sensitivity } from './access-request.rules.js';
import type { RequestTarget } from './request-targets.js';

@Entity('access_requests')
export class AccessRequest {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'requested_by' })
  requestedBy: string;
  @Column('text')
  purpose: Purpose;
  @Column('text', { name: 'case_number' })
  caseNumber: string;
  @Column('text')
  justification: string;
  @Column('timestamptz', { name: 'wanted_until' })
  wantedUntil: Date;
  @Column('text', { array: true })
  asked: GrantAction[];
  /** Recordings, a case or a search, as it was put. */
  @Column('jsonb')
  target: RequestTarget;
  @Column('text')
  state: RequestState;
  /** When it has to be decided by the policy; null when it says nothing. */
  @Column('timestamptz', { name: 'due_at', nullable: true })
  dueAt: Date | null;
  @Column('timestamptz', { name: 'reminded_at', nullable: true })
  remindedAt: Date | null;
  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;
  @Column('boolean', { name: 'break_glass' })
  breakGlass: boolean;
  @Column('uuid', { name: 'reviewed_by', nullable: true })
  reviewedBy: string | null;
  @Column('timestamptz', { name: 'reviewed_at', nullable: true })
  reviewedAt: Date | null;
  @Column('boolean', { nullable: true })
  justified: boolean | null;
  @Column('text', { name: 'review_note', nullable: true })
  reviewNote: string | null;
  @Column('uuid', { name: 'decided_by', nullable: true })
  decidedBy: string | null;
  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;
  @Column('text', { name: 'decision_reason', nullable: true })
  decisionReason: string | null;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  /** Null while it is a draft. */
  @Column('timestamptz', { name: 'submitted_at', nullable: true })
  submittedAt: Date | null;
}

@Entity('access_request_items')
export class AccessRequestItem {
  @PrimaryColumn('uuid', { name: 'request_id' })
  requestId: string;
  @PrimaryColumn('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('text')
  state: 'open' | 'granted' | 'denied';
  /** As the policy was when it was asked for. */
  @Column('jsonb')
  rule: DecisionRule;
  @Column('text')
  sensitivity: Sensitivity;
  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;
}

/** What one person said of one item. Never changed. */
@Entity('access_decisions')
export class AccessDecision {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'request_id' })
  requestId: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  /** The first account of whoever decided. */
  @Column('uuid', { name: 'human_id' })
  humanId: string;
  /** In whose place, when it was delegated. */
  @Column('uuid', { name: 'behalf_of', nullable: true })
  behalfOf: string | null;
  @Column('uuid', { name: 'behalf_human', nullable: true })
  behalfHuman: string | null;
  @Column('text')
  seat: Role;
  /** Every role of the rule's seats that the decider could have taken a seat for, `seat` among them. */
  @Column('text', { array: true })
  fills: Role[];
  @Column('text')
  verdict: 'approve' | 'deny';
  @Column('text', { nullable: true })
  reason: string | null;
  @Column('timestamptz', { nullable: true })
  until: Date | null;
  @Column('timestamptz', { name: 'starts_at', nullable: true })
  startsAt: Date | null;
  @Column('int', { nullable: true })
  viewings: number | null;
  @Column('timestamptz')
  at: Date;
}
