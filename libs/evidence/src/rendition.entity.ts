import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('renditions')
export class Rendition {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'recording_id' })
  recordingId: string;
  @Column('text')
  recipe: string;
  @Column('text')
  state: 'pending' | 'ready' | 'failed';
  @Column('text', { nullable: true })
  reason: string | null;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('timestamptz', { name: 'ready_at', nullable: true })
  readyAt: Date | null;
}

@Entity('rendition_files')
export class RenditionFile {
  @PrimaryColumn('uuid', { name: 'rendition_id' })
  renditionId: string;
  @PrimaryColumn('text')
  name: string;
  @Column('text')
  bucket: string;
  @Column('text')
  key: string;
  @Column('text', { name: 'content_type' })
  contentType: string;
  @Column('bigint', { transformer: { to: (value: number) => value, from: (value: string) => Number(value) } })
  size: number;
  @Column('bytea')
  sha256: Buffer;
  /** Where a segment lies on the recording's time axis, the same in every size, or which part of it a still shows; null for what shows none. */
  @Column('int', { name: 'start_ms', nullable: true })
  startMs: number | null;
  @Column('int', { name: 'duration_ms', nullable: true })
  durationMs: number | null;
}
