import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Purpose } from '../requests/access-request.rules.js';

/** Which originals a sampling is drawn from. Times are true times (the camera's, less its clock's offset). */
export interface SamplingFilter {
  readonly recordedFrom: string;
  /** Exclusive. */
  readonly recordedTo: string;
  readonly category?: string;
  /** Ids of people: whoever the dock named, or had the camera, when it recorded. */
  readonly officers?: readonly string[];
}

/** Recordings to be reviewed, drawn by lot from a list that was on record before the lot was known. */
@Entity('samplings')
export class Sampling {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  purpose: Purpose;
  @Column('jsonb')
  filter: SamplingFilter;
  @Column('int')
  draw: number;
  @Column('int')
  population: number;
  /** Of the list: see `listDigest`. */
  @Column('bytea')
  sha256: Buffer;
  @Column('uuid', { name: 'committed_by' })
  committedBy: string;
  @Column('timestamptz', { name: 'committed_at' })
  committedAt: Date;
  @Column('uuid', { name: 'committed_entry' })
  committedEntry: string;
  @Column('bigint', { name: 'checkpoint_size', nullable: true })
  checkpointSize: string | null;
  /** The signed note, with the cosignatures it had. */
  @Column('text', { nullable: true })
  checkpoint: string | null;
  @Column('bytea', { nullable: true })
  seed: Buffer | null;
  @Column('timestamptz', { name: 'drawn_at', nullable: true })
  drawnAt: Date | null;
}

@Entity('sampling_recordings')
export class SampledRecording {
  @PrimaryColumn('uuid', { name: 'sampling_id' })
  samplingId: string;
  @PrimaryColumn('uuid', { name: 'recording_id' })
  recordingId: string;
  /** From 1, in the order of drawing; null where the lot did not fall on it. */
  @Column('int', { name: 'drawn_place', nullable: true })
  drawnPlace: number | null;
}
