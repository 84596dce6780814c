import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { base64, fromBase64, fromDecimal, fromUtf8, hex } from './encodings.js';
import { decodeHeader, payloadCommitment } from './entry.js';
import { isBundlePath } from './bundle-zip.js';
import { JsonShape, UUID, SHA256_HEX } from './json-shape.js';
import { sha256, type Hash } from './merkle.js';
import { isKeyName } from './note-key.js';

export const BUNDLE_FORMAT = 'custodiet/evidence-bundle/v1';

/** Names with a meaning of their own. */
export const BUNDLE_FILES = {
  bundle: 'bundle.json',
  entries: 'entries.jsonl',
  proofs: 'proofs.jsonl',
  checkpoint: 'checkpoint',
  manifest: 'manifest.note',
  dockKey: 'dock-key.txt',
  policy: 'policy.txt',
  heads: 'heads.jsonl',
} as const;

/** What bundle.json does not list, because the log vouches for it: bundle.json itself, the entries and their proofs. */
export const PROVING_FILES: readonly string[] = [
  BUNDLE_FILES.bundle,
  BUNDLE_FILES.entries,
  BUNDLE_FILES.proofs,
  BUNDLE_FILES.checkpoint,
];

/** Timestamps of the checkpoint, which is made after bundle.json. */
export const TIMESTAMP_PATH = /^timestamps\/[1-9][0-9]*\.tsr$/;

/** Path of the nth timestamp in a bundle, counted from 1. */
export function timestampPath(n: number): string {
  return `timestamps/${n}.tsr`;
}

/** What bundle.json may not list: the above, and the heads, which are there exactly when bundle.json names their entry. */
const UNLISTED: readonly string[] = [...PROVING_FILES, BUNDLE_FILES.heads];

/** Whether it may be in a bundle although bundle.json does not list it, and never does. */
export function isUnlisted(path: string): boolean {
  return UNLISTED.includes(path) || TIMESTAMP_PATH.test(path);
}

/** bundle.json: what the bundle is about and the hashes of the files in it. */
export interface BundleManifest {
  /** Origin of the log. */
  readonly log: string;
  /** The log's vkey. */
  readonly logKey: string;
  /** Further vkeys of the log that signed the checkpoint, while its key is being changed. */
  readonly alsoSignedBy?: readonly string[];
  /** UUID of the recording. */
  readonly recording: string;
  /** UUIDs of every subject whose chain is in the bundle, the recording first. */
  readonly subjects: readonly string[];
  /**
   * Leaf hash of the last entry in the bundle of every subject but the recording: their chains could otherwise be cut short
   * unnoticed. The recording's own chain ends with the export.
   */
  readonly heads: ReadonlyMap<string, Hash>;
  /** Leaf hash of the 'log.heads' entry that heads.jsonl is about; without it the bundle claims nothing about what it leaves out. */
  readonly headsEntry?: Hash;
  /** RFC 3339, UTC, milliseconds, "Z". */
  readonly createdAt: string;
  /** Path to lowercase hexadecimal SHA-256. */
  readonly files: ReadonlyMap<string, string>;
}

const bundleShape = new JsonShape('bundle-malformed', 'bundle.json');
const entryShape = new JsonShape('bundle-malformed', 'entry line');
const proofShape = new JsonShape('bundle-malformed', 'proof line');

/**
 * Text of bundle.json, one line with its newline. Its SHA-256 goes into the header of the 'evidence-bundle.exported' entry.
 * `files` holds the contents of every file that is to be listed, by path. @throws TlogError 'bundle-malformed'
 */
export function bundleManifest(
  manifest: Omit<BundleManifest, 'files'> & { readonly files: ReadonlyMap<string, Uint8Array> },
): string {
  const { log, logKey, recording, subjects, createdAt } = manifest;
  const heads = Object.fromEntries([...manifest.heads].map(([subject, leaf]) => [subject, base64(leaf)]));
  const files = Object.fromEntries([...manifest.files].map(([path, data]) => [path, hex(sha256(data))]));
  const optional = {
    ...(manifest.alsoSignedBy === undefined ? {} : { alsoSignedBy: manifest.alsoSignedBy }),
    ...(manifest.headsEntry === undefined ? {} : { headsEntry: base64(manifest.headsEntry) }),
  };
  const bundle = { format: BUNDLE_FORMAT, log, logKey, recording, subjects, heads, ...optional, createdAt, files };
  const line = `${canonicalize(bundle)}\n`;
  parseBundleManifest(line);
  return line;
}

/** @throws TlogError unless the text is one canonical line as `bundleManifest` writes it. */
export function parseBundleManifest(text: string): BundleManifest {
  const [line, ...more] = linesOf(text);
  if (line === undefined || more.length > 0) return bundleShape.refuse('it is not one line');
  const names = ['format', 'log', 'logKey', 'recording', 'subjects', 'heads', 'createdAt', 'files'];
  const o = bundleShape.object(parseCanonical(line), names, ['alsoSignedBy', 'headsEntry']);
  bundleShape.literal(o, 'format', BUNDLE_FORMAT);
  const recording = bundleShape.uuid(o, 'recording');
  const subjects = bundleShape.list(o, 'subjects').map((subject) => {
    return typeof subject === 'string' && UUID.test(subject)
      ? subject
      : bundleShape.refuse('subjects holds something that is not a UUID');
  });
  if (subjects[0] !== recording) bundleShape.refuse('the recording is not the first of the subjects');
  if (new Set(subjects).size !== subjects.length) bundleShape.refuse('a subject is named twice');
  const heads = bundleShape.object(o['heads'], subjects.slice(1));
  const listed = o['files'];
  const paths = typeof listed === 'object' && listed !== null ? Object.keys(listed) : [];
  const files = bundleShape.object(listed, [], paths);
  for (const [path, digest] of Object.entries(files)) {
    if (!isBundlePath(path) || isUnlisted(path)) bundleShape.refuse(`${JSON.stringify(path)} is not a path it may list`);
    if (typeof digest !== 'string' || !SHA256_HEX.test(digest)) bundleShape.refuse(`the hash of ${path} is not a SHA-256`);
  }
  return {
    log: bundleShape.text(o, 'log', isKeyName, 'the origin of a log'),
    logKey: bundleShape.text(o, 'logKey', (text) => text !== '', 'a key'),
    ...(Object.hasOwn(o, 'alsoSignedBy') ? { alsoSignedBy: furtherKeys(o) } : {}),
    recording,
    subjects,
    heads: new Map(subjects.slice(1).map((subject) => [subject, fromBase64(bundleShape.base64Hash(heads, subject), 32)])),
    ...(Object.hasOwn(o, 'headsEntry') ? { headsEntry: fromBase64(bundleShape.base64Hash(o, 'headsEntry'), 32) } : {}),
    createdAt: bundleShape.instant(o, 'createdAt'),
    files: new Map(paths.map((path) => [path, bundleShape.sha256(files, path)])),
  };
}

function furtherKeys(o: Readonly<Record<string, Json>>): readonly string[] {
  const keys = bundleShape.list(o, 'alsoSignedBy').map((key) => {
    return typeof key === 'string' ? key : bundleShape.refuse('alsoSignedBy holds something that is not text');
  });
  if (keys.length === 0 || new Set([o['logKey'], ...keys]).size !== keys.length + 1)
    bundleShape.refuse('alsoSignedBy is empty or names a key twice');
  return keys;
}

/** One entry: its place in the log, the exact header bytes, and what opens its payload commitment. */
export interface BundleEntry {
  readonly index: bigint;
  readonly header: Uint8Array;
  /** 32 bytes; null, like the payload, when both were erased. */
  readonly salt: Uint8Array | null;
  /** Canonical JSON text. */
  readonly payload: string | null;
}

/** Line of entries.jsonl, with its newline. @throws TlogError when header, salt or payload are not what they should be. */
export function bundleEntryLine({ index, header, salt, payload }: BundleEntry): string {
  decodeHeader(header);
  if (salt !== null && payload !== null) payloadCommitment(salt, payload);
  const text = { index: index.toString(), header: fromUtf8(header), salt: salt && base64(salt), payload };
  const line = canonicalize(text);
  parseBundleEntry(line);
  return `${line}\n`;
}

/** @throws TlogError; the header is checked by `decodeHeader`. `line` is without its newline. */
export function parseBundleEntry(line: string): Omit<BundleEntry, 'header'> & { header: string } {
  const o = entryShape.object(parseCanonical(line), ['index', 'header', 'salt', 'payload']);
  const notEmpty = (text: string): boolean => text !== '';
  const erased = o['salt'] === null && o['payload'] === null;
  return {
    index: fromDecimal(entryShape.text(o, 'index', notEmpty, 'a decimal number')),
    header: entryShape.text(o, 'header', notEmpty, 'the text of an entry header'),
    salt: erased ? null : fromBase64(entryShape.base64Hash(o, 'salt'), 32),
    payload: erased ? null : entryShape.text(o, 'payload', notEmpty, 'the text of a payload'),
  };
}

/** Line of proofs.jsonl, with its newline: the inclusion proof of one entry in the tree of the bundle's checkpoint. */
export function bundleProofLine({ index, hashes }: { readonly index: bigint; readonly hashes: readonly Hash[] }): string {
  return `${canonicalize({ index: index.toString(), hashes: hashes.map(base64) })}\n`;
}

/** @throws TlogError. `line` is without its newline. */
export function parseBundleProof(line: string): { index: bigint; hashes: Hash[] } {
  const o = proofShape.object(parseCanonical(line), ['index', 'hashes']);
  return {
    index: fromDecimal(proofShape.text(o, 'index', (text) => text !== '', 'a decimal number')),
    hashes: proofShape.list(o, 'hashes').map((hash) => {
      return typeof hash === 'string' ? fromBase64(hash, 32) : proofShape.refuse('hashes holds something that is not text');
    }),
  };
}

/** Lines without their newlines. @throws TlogError unless every line, the last one too, ends in a newline. */
export function linesOf(text: string): string[] {
  if (!text.endsWith('\n')) return bundleShape.refuse('its last line has no newline');
  return text.slice(0, -1).split('\n');
}
