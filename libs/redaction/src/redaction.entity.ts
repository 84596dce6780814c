import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RedactionPlan } from '#media';
import type { RedactionState } from './redaction.rules.js';

/** One redaction of a recording: from the first draft of its plan to the release of what was made by it. */
@Entity('redactions')
export class Redaction {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  /** Of the newest saved plan; from 1. */
  @Column('int')
  version: number;
  @Column('text')
  reason: string;
  /** Who began it. Each version of the plan has an author of its own. */
  @Column('uuid', { name: 'author_id' })
  authorId: string;
  @Column('text')
  state: RedactionState;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('uuid', { name: 'released_by', nullable: true })
  releasedBy: string | null;
  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt: Date | null;
}

/** A plan as it was saved; never changed after. */
@Entity('redaction_plans')
export class SavedPlan {
  @PrimaryColumn('uuid', { name: 'redaction_id' })
  redactionId: string;
  @PrimaryColumn('int')
  version: number;
  @Column('jsonb')
  plan: RedactionPlan;
  /** Of the plan's canonical JSON. */
  @Column('bytea')
  sha256: Buffer;
  @Column('uuid', { name: 'author_id' })
  authorId: string;
  @Column('timestamptz', { name: 'saved_at' })
  savedAt: Date;
  @Column('text', { nullable: true })
  note: string | null;
}

/** One version of a plan as it was rendered, and what a second person said of the result. Its id is the ref of the job `redact`. */
@Entity('redaction_renderings')
export class Rendering {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'redaction_id' })
  redactionId: string;
  @Column('int')
  version: number;
  @Column('uuid', { name: 'ordered_by' })
  orderedBy: string;
  @Column('timestamptz', { name: 'ordered_at' })
  orderedAt: Date;
  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
  @Column('text', { nullable: true })
  failure: string | null;
  /** The sealed recording that came of it. */
  @Column('uuid', { name: 'result_id', nullable: true })
  resultId: string | null;
  @Column('text', { nullable: true })
  tool: string | null;
  @Column('text', { nullable: true })
  recipe: string | null;
  /** The arguments that the tool was given, one per line, without paths. */
  @Column('text', { nullable: true })
  parameters: string | null;
  @Column('uuid', { name: 'reviewed_by', nullable: true })
  reviewedBy: string | null;
  @Column('timestamptz', { name: 'reviewed_at', nullable: true })
  reviewedAt: Date | null;
  @Column('boolean', { nullable: true })
  approved: boolean | null;
  @Column('text', { name: 'review_note', nullable: true })
  reviewNote: string | null;
}
