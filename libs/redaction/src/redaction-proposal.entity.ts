import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Detectable, Track } from '#media';

/** What somebody asked for: a box to be followed, or things to be looked for. Pixels and milliseconds of the recording. */
export type ProposalAsked =
  | {
      readonly kind: 'track';
      readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
      readonly atMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: 'detect'; readonly what: readonly Detectable[]; readonly fromMs: number; readonly untilMs: number };

/** One request for help with a plan, and what came of it. Never applied by itself. */
@Entity('redaction_proposals')
export class RedactionProposal {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('jsonb')
  asked: ProposalAsked;
  @Column('uuid', { name: 'author_id' })
  authorId: string;
  @Column('text')
  state: 'running' | 'ready' | 'failed';
  @Column('text', { nullable: true })
  failure: string | null;
  @Column('jsonb', { nullable: true })
  tracks: readonly Track[] | null;
  /** More was found than is kept. */
  @Column('boolean')
  incomplete: boolean;
  @Column('text', { nullable: true })
  model: string | null;
  @Column('text', { nullable: true })
  version: string | null;
  @Column('text', { nullable: true })
  threshold: string | null;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}
