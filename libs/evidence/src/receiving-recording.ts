import type { Config } from '#platform';
import { v7 as uuidv7 } from 'uuid';
import { originalKey } from './original-key.js';
import type { Recording } from './recording.entity.js';
import { partSizeFor } from './upload-parts.rules.js';

/** What is said of an original when it is announced, by whomever. */
export type SaidOfRecording = Pick<
  Recording,
  | 'manifestId'
  | 'dockId'
  | 'name'
  | 'size'
  | 'sha256'
  | 'origin'
  | 'handedInBy'
  | 'camera'
  | 'counter'
  | 'officerBadge'
  | 'officerId'
  | 'recordedAt'
  | 'clockOffsetMs'
  | 'preEventSeconds'
  | 'category'
  | 'flagged'
  | 'gpsTrack'
>;

/** A new recording that is waited for: nothing of it has arrived, and its place in the store is settled. */
export function receivingRecording(said: SaidOfRecording, config: Config, now: Date): Recording {
  const id = uuidv7();
  return {
    ...said,
    id,
    parentId: null,
    state: 'receiving',
    reason: null,
    bucket: config.S3_EVIDENCE_BUCKET,
    key: originalKey(id),
    uploadId: null,
    versionId: null,
    partSize: partSizeFor(said.size, config.PART_SIZE_MIB),
    probe: null,
    announcedAt: now,
    receivedAt: null,
    sealedAt: null,
    sealedEntry: null,
    fixityDueAt: null,
    fixityCheckedAt: null,
    fixityFailedAt: null,
    releasedAt: null,
  };
}
