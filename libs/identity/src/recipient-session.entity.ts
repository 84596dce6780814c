import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody outside who has shown link and second factor of a disclosure. The cookie holds a random token; only its hash is kept. */
@Entity('recipient_sessions')
export class RecipientSession {
  @PrimaryColumn('uuid')
  id: string;
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;
  @Column('uuid', { name: 'disclosure_id' })
  disclosureId: string;
  /** As it was when the disclosure was proposed. */
  @Column('text')
  name: string;
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
