import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Person } from './person.entity.js';

/** Who wore a camera from when until when, [from, until): no two spans of one camera overlap, which the database sees to. */
@Entity('camera_assignments')
export class CameraAssignment {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'camera_id' })
  cameraId: string;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('timestamptz', { name: 'assigned_from' })
  from: Date;
  /** Null while it has not been given back. */
  @Column('timestamptz', { name: 'assigned_until', nullable: true })
  until: Date | null;
  @ManyToOne(() => Person)
  @JoinColumn({ name: 'person_id' })
  person: Person;
}
