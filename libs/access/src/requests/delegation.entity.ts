import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '#identity';

/** Somebody lets another decide in their place, in one of their roles, until a time. */
@Entity('delegations')
export class Delegation {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'from_id' })
  fromId: string;
  @Column('uuid', { name: 'to_id' })
  toId: string;
  @Column('text')
  role: Role;
  @Column('text')
  reason: string;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz')
  until: Date;
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}
