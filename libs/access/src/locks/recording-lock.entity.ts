import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Keeps one human being from a recording that concerns them, until they have made a statement. */
@Entity('recording_locks')
export class RecordingLock {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  /** The first account of that person: the lock holds against all of them. */
  @Column('uuid', { name: 'human_id' })
  humanId: string;
  @Column('text')
  reason: string;
  @Column('uuid', { name: 'locked_by' })
  lockedBy: string;
  @Column('timestamptz', { name: 'locked_at' })
  lockedAt: Date;
  /** Where the statement is to be found. */
  @Column('text', { nullable: true })
  statement: string | null;
  @Column('timestamptz', { name: 'statement_at', nullable: true })
  statementAt: Date | null;
  @Column('uuid', { name: 'lifted_by', nullable: true })
  liftedBy: string | null;
  @Column('timestamptz', { name: 'lifted_at', nullable: true })
  liftedAt: Date | null;
  @Column('text', { name: 'lift_reason', nullable: true })
  liftReason: string | null;
}
