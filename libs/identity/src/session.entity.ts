import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The cookie holds a random token; only its hash is kept. */
@Entity('sessions')
export class Session {
  @PrimaryColumn('uuid')
  id: string;
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;
  @Column('uuid', { name: 'person_id' })
  personId: string;
  @Column('text')
  method: string;
  @Column('text')
  address: string;
  @Column('text', { name: 'user_agent' })
  userAgent: string;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}
