import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { GrantAction } from '#identity';
import type { Purpose } from '../requests/access-request.rules.js';

/** Exact: one person, one recording, one purpose, what for, from when until when, and for how many viewings. */
@Entity('grants')
export class Grant {
  @PrimaryColumn('uuid')
  id: string;
  /** Null when a standing rule of the policy gave it. */
  @Column('uuid', { name: 'request_id', nullable: true })
  requestId: string | null;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('text')
  purpose: Purpose;
  @Column('text', { name: 'case_number' })
  caseNumber: string;
  @Column('uuid', { name: 'granted_by', nullable: true })
  grantedBy: string | null;
  /** `request`, `break-glass`, or `standing:` and the name of the policy's rule. */
  @Column('text')
  basis: string;
  @Column('text', { array: true })
  actions: GrantAction[];
  @Column('timestamptz', { name: 'starts_at' })
  startsAt: Date;
  @Column('int', { name: 'max_viewings', nullable: true })
  maxViewings: number | null;
  @Column('int', { name: 'viewings_opened' })
  viewingsOpened: number;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
