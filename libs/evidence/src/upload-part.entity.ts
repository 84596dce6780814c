import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('upload_parts')
export class UploadPart {
  @PrimaryColumn('uuid', { name: 'recording_id' })
  recordingId: string;
  /** From 1. */
  @PrimaryColumn('int')
  part: number;
  @Column('bytea')
  sha256: Buffer;
  @Column('int')
  size: number;
  @Column('text')
  etag: string;
}
