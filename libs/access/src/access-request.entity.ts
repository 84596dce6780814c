import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { GrantAction, Role } from '#identity';
import type { Purpose, RequestState } from './access-request.rules.js';

/** One of the three. */
export interface RequestTarget {
  readonly recordings?: readonly string[];
  /** The case's id. */
  readonly case?: string;
  readonly search?: object;
}

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
  sensitivity: string;
  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;
}

/** Who has to approve: as many of the seats as `need` says, each filled by another person who holds its role. */
export interface DecisionRule {
  readonly name: string;
  readonly seats: readonly Role[];
  readonly need: number;
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
  @Column('text')
  verdict: 'approve' | 'deny';
  @Column('text', { nullable: true })
  reason: string | null;
  @Column('timestamptz', { nullable: true })
  until: Date | null;
  @Column('timestamptz')
  at: Date;
}
