import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Probe } from '#media';

export type RecordingState = 'receiving' | 'sealing' | 'sealed' | 'quarantined' | 'expired';
/** How it came: from a dock under its signature, from a person without one, or made here from another recording. */
export type RecordingOrigin = 'dock' | 'handed-in' | 'derived';

/** Where the camera was: `atMs` on the recording's own time axis, coordinates in 1e-7 degrees (WGS 84). */
export interface GpsPoint {
  readonly atMs: number;
  readonly latE7: number;
  readonly lonE7: number;
}

const nullableBigint = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};
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
  origin: RecordingOrigin;
  @Column('uuid', { name: 'handed_in_by', nullable: true })
  handedInBy: string | null;
  /** Serial number; null when it is not known what recorded it. */
  @Column('text', { nullable: true })
  camera: string | null;
  /** The camera's own number of this recording, counting up by one. */
  @Column('bigint', { nullable: true, transformer: nullableBigint })
  counter: number | null;
  /** As the dock said it; `officerId` is who carried that badge, else that camera, when it recorded. */
  @Column('text', { name: 'officer_badge', nullable: true })
  officerBadge: string | null;
  @Column('uuid', { name: 'officer_id', nullable: true })
  officerId: string | null;
  /** By the camera's clock; true time is this minus `clockOffsetMs`. */
  @Column('timestamptz', { name: 'recorded_at' })
  recordedAt: Date;
  @Column('bigint', { name: 'clock_offset_ms', transformer: bigint })
  clockOffsetMs: number;
  /** How much of it was recorded before the camera was switched on. */
  @Column('int', { name: 'pre_event_seconds', nullable: true })
  preEventSeconds: number | null;
  /** What the officer tagged it as, at the camera. */
  @Column('text', { nullable: true })
  category: string | null;
  /** Of an incident that was flagged: it is worked on first. */
  @Column('boolean')
  flagged: boolean;
  @Column('jsonb', { name: 'gps_track', nullable: true })
  gpsTrack: readonly GpsPoint[] | null;
  @Column('text')
  state: RecordingState;
  /** Why it is quarantined or expired. */
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
  /** When the stored version is hashed again; null until it is sealed. */
  @Column('timestamptz', { name: 'fixity_due_at', nullable: true })
  fixityDueAt: Date | null;
  @Column('timestamptz', { name: 'fixity_checked_at', nullable: true })
  fixityCheckedAt: Date | null;
  /** The stored version is no longer what was sealed: nothing of it may be disposed of. */
  @Column('timestamptz', { name: 'fixity_failed_at', nullable: true })
  fixityFailedAt: Date | null;
  /** Of a redaction: since when others than those who make and review it may ask for it. Always null of an original, which is not concerned. */
  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt: Date | null;
}

/** Whether others than custodians may ask for it. */
export function isReleased({ origin, releasedAt }: Pick<Recording, 'origin' | 'releasedAt'>): boolean {
  return origin !== 'derived' || releasedAt !== null;
}
