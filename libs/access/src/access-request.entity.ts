import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Purpose } from './access-request.rules.js';

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
  @Column('text')
  state: 'submitted' | 'granted' | 'denied' | 'withdrawn';
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
}
