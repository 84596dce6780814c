import { Column, Entity, PrimaryColumn } from 'typeorm';

export type AlertKind = 'quarantined' | 'fixity-failed' | 'upload-expired' | 'sealing-stuck';

/** Something about a recording that a person has to see. It stays; taking note of it is on record. */
@Entity('alerts')
export class Alert {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  kind: AlertKind;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  /** A sentence for the person who reads it. */
  @Column('text')
  detail: string;
  @Column('timestamptz', { name: 'raised_at' })
  raisedAt: Date;
  @Column('timestamptz', { name: 'acknowledged_at', nullable: true })
  acknowledgedAt: Date | null;
  @Column('uuid', { name: 'acknowledged_by', nullable: true })
  acknowledgedBy: string | null;
  @Column('text', { nullable: true })
  note: string | null;
}
