import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Purpose } from '../requests/access-request.rules.js';

const bigint = { to: (value: number | null) => value, from: (value: string | null) => (value === null ? null : Number(value)) };

/** What is watched: the playback copy, or the original file itself. */
export type ViewingOf = 'playback' | 'original';

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
  @Column('text')
  of: ViewingOf;
  /** Null of an original. */
  @Column('uuid', { name: 'rendition_id', nullable: true })
  renditionId: string | null;
  @Column('text')
  purpose: Purpose;
  @Column('timestamptz', { name: 'opened_at' })
  openedAt: Date;
  /** When its entry was where it has to be before anything is sent; null until then. DESIGN.md §4 */
  @Column('timestamptz', { name: 'ready_at', nullable: true })
  readyAt: Date | null;
  /** Of the viewer: something was asked for, sent or reported. */
  @Column('timestamptz', { name: 'last_seen_at' })
  lastSeenAt: Date;
  /** When what was sent and reported was last looked at, to go on record. */
  @Column('timestamptz', { name: 'progressed_at' })
  progressedAt: Date;
  /** What went on record then; null before the first time. */
  @Column('jsonb', { nullable: true })
  progress: object | null;
  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;
}

/** One file, or part of the original, sent in a viewing; the row is there before the first byte is. */
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
  /** Of the original: the place of the first byte asked for. Null of all else. */
  @Column('bigint', { name: 'first_byte', nullable: true, transformer: bigint })
  firstByte: number | null;
  /** Bytes of the file, or of the part of the original that was asked for. */
  @Column('bigint', { transformer: bigint })
  size: number;
  /** Bytes handed to the connection; null while under way, or when the process died meanwhile. */
  @Column('bigint', { nullable: true, transformer: bigint })
  sent: number | null;
  @Column('timestamptz')
  at: Date;
}
