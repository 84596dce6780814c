/** Evidence in an S3 object store: streaming multipart uploads, write-once versions, ranges. DESIGN.md §4 */
export { ObjectStore } from './object-store.js';
export type { ByteRange, Encryption, MultipartUpload, OpenedObject, StoreOptions, StoredVersion } from './object-store.js';
export type { LockPolicy } from './locked-bucket.js';
export { BucketNotLockable, ObjectMissing, PartRefused, RangeUnsatisfiable, StorageUnavailable } from './storage-errors.js';
export { StorageModule, StoreUnfitForEvidence } from './storage.module.js';
