import { Column, Entity, PrimaryColumn } from 'typeorm';

export const SENSITIVITIES = ['normal', 'high'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** Groups recordings and people under a number. */
@Entity('cases')
export class Case {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  number: string;
  @Column('text')
  title: string;
  @Column('text')
  sensitivity: Sensitivity;
  @Column('uuid', { name: 'opened_by' })
  openedBy: string;
  @Column('timestamptz', { name: 'opened_at' })
  openedAt: Date;
  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;
}

@Entity('case_recordings')
export class CaseRecording {
  @PrimaryColumn('uuid', { name: 'case_id' })
  caseId: string;
  @PrimaryColumn('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('uuid', { name: 'added_by' })
  addedBy: string;
  @Column('timestamptz', { name: 'added_at' })
  addedAt: Date;
}

/** Somebody who is named in a case, with an account or without. */
@Entity('case_people')
export class CasePerson {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'case_id' })
  caseId: string;
  @Column('uuid', { name: 'person_id', nullable: true })
  personId: string | null;
  @Column('text')
  name: string;
  @Column('text')
  part: string;
  @Column('timestamptz', { name: 'added_at' })
  addedAt: Date;
}
