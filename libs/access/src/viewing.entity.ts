import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Purpose } from './access-request.rules.js';

const bigint = { to: (value: number | null) => value, from: (value: string | null) => (value === null ? null : Number(value)) };

/** One person's session of watching one recording under one grant. */
@Entity('viewings')
export class Viewing {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'grant_id' })
  grantId: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('uuid', { name: 'session_id' })
  sessionId: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('uuid', { name: 'rendition_id' })
  renditionId: string;
  @Column('text')
  purpose: Purpose;
  @Column('timestamptz', { name: 'opened_at' })
  openedAt: Date;
  @Column('timestamptz', { name: 'last_seen_at' })
  lastSeenAt: Date;
  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;
}

/** One file sent in a viewing; the row is there before the first byte is. */
@Entity('viewing_deliveries')
export class ViewingDelivery {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id: string;
  @Column('uuid', { name: 'viewing_id' })
  viewingId: string;
  @Column('text')
  name: string;
  @Column('int', { name: 'start_ms', nullable: true })
  startMs: number | null;
  @Column('int', { name: 'duration_ms', nullable: true })
  durationMs: number | null;
  /** Bytes of the file. */
  @Column('bigint', { transformer: bigint })
  size: number;
  /** Bytes handed to the connection; null while under way, or when the process died meanwhile. */
  @Column('bigint', { nullable: true, transformer: bigint })
  sent: number | null;
  @Column('timestamptz')
  at: Date;
}
