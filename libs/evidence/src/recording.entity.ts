import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Probe } from '#media';

export type RecordingState = 'receiving' | 'sealing' | 'sealed' | 'quarantined';

const bigint = { to: (value: number) => value, from: (value: string) => Number(value) };

/** One original file, immutable once sealed, or a redaction made from one (then `parentId` is set). */
@Entity('recordings')
export class Recording {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'manifest_id', nullable: true })
  manifestId: string | null;
  @Column('uuid', { name: 'dock_id', nullable: true })
  dockId: string | null;
  @Column('uuid', { name: 'parent_id', nullable: true })
  parentId: string | null;
  @Column('text')
  name: string;
  /** Bytes. */
  @Column('bigint', { transformer: bigint })
  size: number;
  @Column('bytea')
  sha256: Buffer;
  @Column('text')
  camera: string;
  /** As the dock said it; `officerId` is who carried that badge when the file was announced. */
  @Column('text', { name: 'officer_badge' })
  officerBadge: string;
  @Column('uuid', { name: 'officer_id', nullable: true })
  officerId: string | null;
  /** By the camera's clock; true time is this minus `clockOffsetMs`. */
  @Column('timestamptz', { name: 'recorded_at' })
  recordedAt: Date;
  @Column('bigint', { name: 'clock_offset_ms', transformer: bigint })
  clockOffsetMs: number;
  @Column('text')
  state: RecordingState;
  /** Why it is quarantined. */
  @Column('text', { nullable: true })
  reason: string | null;
  @Column('text')
  bucket: string;
  @Column('text')
  key: string;
  @Column('text', { name: 'upload_id', nullable: true })
  uploadId: string | null;
  @Column('text', { name: 'version_id', nullable: true })
  versionId: string | null;
  @Column('int', { name: 'part_size' })
  partSize: number;
  @Column('jsonb', { nullable: true })
  probe: Probe | null;
  @Column('timestamptz', { name: 'announced_at' })
  announcedAt: Date;
  @Column('timestamptz', { name: 'received_at', nullable: true })
  receivedAt: Date | null;
  @Column('timestamptz', { name: 'sealed_at', nullable: true })
  sealedAt: Date | null;
  @Column('uuid', { name: 'sealed_entry', nullable: true })
  sealedEntry: string | null;
}
