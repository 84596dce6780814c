import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a notice is for: a player, a mail gateway or the console can tell them apart by it. */
export type NoticeKind =
  | 'request-awaits-you'
  | 'request-overdue'
  | 'break-glass-opened'
  | 'break-glass-reviewed'
  | 'break-glass-overdue'
  | 'sampling-drawn';

/** Tells one person of something that waits for them. No evidence: what it speaks of is on the custody record itself. */
@Entity('notices')
export class Notice {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('text')
  kind: NoticeKind;
  /** The request, recording or sampling it is about. */
  @Column('uuid')
  about: string;
  @Column('text')
  text: string;
  @Column('timestamptz', { name: 'sent_at' })
  sentAt: Date;
  @Column('timestamptz', { name: 'read_at', nullable: true })
  readAt: Date | null;
}
