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
export { formatProof, parseProof, type TlogProof } from './tlog-proof.js';
export { decodeHeader, encodeHeader, payloadCommitment, type EntryHeader } from './entry.js';
export { openManifest, readManifest, signManifest, type Manifest, type ManifestFile } from './manifest.js';
export { formatReceipt, verifyReceipt, type Receipt } from './receipt.js';
export { bundleEntryLine, bundleManifest, bundleProofLine, type BundleEntry, type BundleManifest } from './bundle-format.js';
export { isBundle, verifyBundle, type BundleCheck, type BundleVerdict } from './bundle.js';
export { decodeZip, encodeZip, salvageZip } from './bundle-zip.js';
