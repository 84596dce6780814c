import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('docks')
export class Dock {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  name: string;
  /** Ed25519, 32 raw bytes. */
  @Column('bytea', { name: 'public_key' })
  publicKey: Buffer;
  @Column('uuid', { name: 'enrolled_by' })
  enrolledBy: string;
  @Column('timestamptz', { name: 'enrolled_at' })
  enrolledAt: Date;
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
