import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from './actor.js';

@Entity('service_tokens')
export class ServiceToken {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  name: string;
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;
  @Column('text', { array: true })
  roles: Role[];
  @Column('uuid', { name: 'created_by' })
  createdBy: string;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
