/** Derives the custody log again from its rows and the object store, and believes neither. No Nest: it is part of `custodiet-verify`. */
export { fsck, type FsckOptions, type FsckReport } from './fsck.js';
export type { Finding } from './findings.js';
export type { MirrorBucket } from './mirror-check.js';
export type { OriginalsDepth } from './originals-check.js';
export { DatabaseUnreadable, openSnapshot, type Snapshot } from './snapshot.js';
export { StoredObjects, StoreUnreadable, type StoreAccess } from './stored-objects.js';
