import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Purpose } from './access-request.rules.js';

/** Exact: one person, one recording, one purpose, until a time. */
@Entity('grants')
export class Grant {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'request_id' })
  requestId: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('text')
  purpose: Purpose;
  @Column('text', { name: 'case_number' })
  caseNumber: string;
  @Column('uuid', { name: 'granted_by' })
  grantedBy: string;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
