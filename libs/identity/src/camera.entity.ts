import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A body-worn camera of the agency's. Its recordings name it by serial number, and are accepted whether it stands here or not. */
@Entity('cameras')
export class Camera {
  @PrimaryColumn('uuid')
  id: string;
  /** To the letter as the docks write it into their manifests. */
  @Column('text')
  serial: string;
  @Column('text', { nullable: true })
  model: string | null;
  @Column('timestamptz', { name: 'registered_at' })
  registeredAt: Date;
  @Column('timestamptz', { name: 'retired_at', nullable: true })
  retiredAt: Date | null;
}
