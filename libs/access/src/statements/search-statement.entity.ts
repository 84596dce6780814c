import { Column, Entity, PrimaryColumn } from 'typeorm';

/** That a search found nothing, as it was stated. Never changed. */
@Entity('search_statements')
export class StatedSearch {
  @PrimaryColumn('uuid')
  id: string;
  /** The custody entry that holds its SHA-256. */
  @Column('uuid')
  entry: string;
  /** Canonical JSON of a SearchStatement (#tlog). */
  @Column('text')
  text: string;
  @Column('uuid', { name: 'made_by' })
  madeBy: string;
  @Column('timestamptz', { name: 'made_at' })
  madeAt: Date;
}
