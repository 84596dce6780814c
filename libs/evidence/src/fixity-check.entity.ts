import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One time that a stored version is hashed again. Of one recording at most one is open. */
@Entity('fixity_checks')
export class FixityCheck {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  /** When it was due; of a check that a person ordered, when that was. */
  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;
  /** Null while it is open. */
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
  @Column('text', { nullable: true })
  outcome: 'verified' | 'failed' | null;
  @Column('text', { nullable: true })
  problem: string | null;
}
