import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DeliveredRange } from '#custody';

/** What a viewer's player said it did since it last said so. Never evidence of its own: what was sent is in the deliveries. */
@Entity('viewing_reports')
export class ViewingReport {
  @PrimaryColumn('uuid', { name: 'viewing_id' })
  viewingId: string;
  /** The player's own number of it. */
  @PrimaryColumn('int')
  seq: number;
  /** Of what was said, so that saying it twice is told from saying something else. */
  @Column('bytea')
  sha256: Buffer;
  /** It spoke of what had not been sent. */
  @Column('boolean')
  refused: boolean;
  /** Within what had been sent by then. */
  @Column('jsonb')
  played: readonly DeliveredRange[];
  @Column('int')
  seeks: number;
  @Column('int')
  pauses: number;
  /** Milliseconds for which the player was not to be seen. */
  @Column('int', { name: 'hidden_ms' })
  hiddenMs: number;
  /** Of normal. */
  @Column('int', { name: 'speed_percent' })
  speedPercent: number;
  @Column('timestamptz')
  at: Date;
}
