import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RedactionPlan } from '#media';

/** One order to redact a recording by a plan, and what came of it. */
@Entity('redactions')
export class Redaction {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('jsonb')
  plan: RedactionPlan;
  /** Of the plan's canonical JSON. */
  @Column('bytea', { name: 'plan_sha256' })
  planSha256: Buffer;
  @Column('text')
  reason: string;
  @Column('uuid', { name: 'author_id' })
  authorId: string;
  @Column('text')
  state: 'rendering' | 'sealed' | 'failed';
  @Column('text', { nullable: true })
  failure: string | null;
  @Column('uuid', { name: 'result_id', nullable: true })
  resultId: string | null;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}
