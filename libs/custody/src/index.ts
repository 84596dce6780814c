export {
  type Attribution,
  type ByteSpan,
  type CustodyEvent,
  type CustodyEventType,
  type DeliveredRange,
  type EntryPayload,
  type EventOf,
} from './catalogue.js';
export {
  CustodyLog,
  LogBehind,
  WitnessesBehind,
  payloadOf,
  type LoggedEntry,
  type SignedCheckpoint,
} from './custody-log.service.js';
export { CustodyModule } from './custody.module.js';
export { Custody } from './custody.service.js';
export { Erasure, ErasureRefused, NothingToErase, type ErasedPayloads } from './erasure.service.js';
export { HeadsInconsistent, LogHeads, type RecordedHeads } from './heads.service.js';
export { HeadsSchedule } from './heads-schedule.js';
export { readEntryBundle, readHashTile } from './log-reader.js';
export { type Query } from './log-tiles.js';
export { LogKeyRecord } from './log-key-record.js';
export { logSubject } from './log-subject.js';
export { LogFrozen } from './log-frozen.js';
export { LogMirror, type MirroredCheckpoint } from './log-mirror.js';
export { ReleaseRefused } from './release-refused.js';
export { WITNESS_POLICY, type PolicyFile } from './witness-policy-file.js';
export { LOG_SIGNING_KEY, Sequencer } from './sequencer.js';
export { TimestampSchedule } from './timestamp-schedule.js';
export { LogTimestamps, type LogTimestamp } from './timestamps.service.js';
