export { TlogError, type TlogErrorCode } from './tlog-error.js';
export {
  EMPTY_RANGE,
  EMPTY_ROOT,
  consistencyProof,
  extend,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type CompactRange,
  type Hash,
  type ReadNode,
} from './merkle.js';
export { TILE_WIDTH, nodesFromTiles, tileOfNode, tilePath, type ReadTile } from './tiles.js';
export { canonicalize, parseCanonical, type Json } from './canonical-json.js';
export {
  generateNoteKey,
  noteVerifier,
  openNote,
  parseSigner,
  parseVerifier,
  signNote,
  verifierOf,
  type NoteSigner,
  type NoteVerifier,
} from './note.js';
export { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.js';
export {
  addSignatureLines,
  cosign,
  generateWitnessKey,
  parseCosignatureVerifier,
  parseCosigner,
  verifyCosignatures,
  type CosignatureVerifier,
  type Cosigner,
} from './cosignature.js';
export {
  acceptsLog,
  checkPolicy,
  hasQuorum,
  isQuorum,
  openTrusted,
  parsePolicy,
  type LogTrust,
  type PolicyWitness,
  type Quorum,
  type WitnessPolicy,
} from './witness-policy.js';
export { headsDigest, headsMap, headsTree, HeadsTree, type HeadsMap, type SubjectHead } from './heads.js';
export { formatProof, parseProof, type TlogProof } from './tlog-proof.js';
export { commitPayload, decodeHeader, encodeHeader, payloadCommitment, type EntryHeader } from './entry.js';
export { isFileName, openManifest, readManifest, signManifest, type Manifest, type ManifestFile } from './manifest.js';
export { formatReceipt, verifyReceipt, type Receipt } from './receipt.js';
export {
  formatProvenStatement,
  formatStatement,
  verifyStatement,
  type CoveredCamera,
  type ProvenStatement,
  type SearchCoverage,
  type SearchStatement,
  type UnsealedRecording,
} from './search-statement.js';
export { bundleHeads } from './bundle-heads.js';
export {
  bundleEntryLine,
  bundleManifest,
  bundleProofLine,
  timestampPath,
  type BundleEntry,
  type BundleManifest,
} from './bundle-format.js';
export { isBundle, verifyBundle, type BundleVerdict } from './bundle.js';
export { opensslCommand, type BundleTimestamp } from './bundle-timestamps.js';
export { DER, DerReader, encodeDer, type DerValue } from './der.js';
export { readTimestamp, type Timestamp } from './timestamp.js';
export type { BundleCheck } from './bundle-check.js';
export type { ErasedPayload } from './bundle-erasure.js';
export { decodeZip, encodeZip, isBundlePath, salvageZip } from './bundle-zip.js';
export {
  PACKAGE_FILES,
  PACKAGE_FORMS,
  formatDisclosureProof,
  formatPackageManifest,
  parsePackageManifest,
  verifyDisclosureProof,
  verifyPackagedRecording,
  type DisclosureProof,
  type PackagedRecording,
  type PackageForm,
  type PackageManifest,
} from './disclosure-package.js';
