import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from './actor.js';

@Entity('people')
export class Person {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  username: string;
  @Column('text')
  name: string;
  @Column('text', { nullable: true })
  badge: string | null;
  @Column('text', { array: true })
  roles: Role[];
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;
  /** The first account of the same human being; null where this is the first. */
  @Column('uuid', { name: 'same_as', nullable: true })
  sameAs: string | null;
  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
