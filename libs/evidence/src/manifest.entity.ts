import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A dock's signed manifest, kept to the letter: the evidence bundle carries it. */
@Entity('manifests')
export class StoredManifest {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'dock_id' })
  dockId: string;
  @Column('text')
  note: string;
  @Column('timestamptz', { name: 'received_at' })
  receivedAt: Date;
}
