import { isBundle, verifyBundle, type BundleVerdict } from './bundle.js';
import type { Files } from './bundle-check.js';
import { BUNDLE_FILES, linesOf, parseBundleEntry } from './bundle-format.js';
import { isBundlePath } from './bundle-zip.js';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import type { Checkpoint } from './checkpoint.js';
import { fromUtf8, utf8 } from './encodings.js';
import { decodeHeader } from './entry.js';
import { JsonShape } from './json-shape.js';
import { leafHash, verifyInclusion } from './merkle.js';
import { isKeyName } from './note-key.js';
import { TlogError } from './tlog-error.js';
import { parseProof } from './tlog-proof.js';
import { openTrusted, type LogTrust } from './witness-policy.js';

export const PACKAGE_FORMAT = 'custodiet/disclosure/v1';
const PROOF_FORMAT = 'custodiet/disclosure-proof/v1';

/** What the manifest does not list: itself, and the proof that the log holds its hash. */
export const PACKAGE_FILES = { manifest: 'manifest.json', proof: 'manifest.proof.json' } as const;

/** A copy as it was sealed, or one with the recipient's name burnt in. */
export const PACKAGE_FORMS = ['unaltered', 'marked'] as const;
export type PackageForm = (typeof PACKAGE_FORMS)[number];

/** One recording of a package, with the paths of what is in it about it. */
export interface PackagedRecording {
  /** UUID. */
  readonly recording: string;
  /** As the camera, or whoever handed it in, called the file. */
  readonly name: string;
  /** Of the sealed recording, lowercase hexadecimal. */
  readonly sha256: string;
  readonly media: string;
  readonly bundle: string;
  readonly report: string;
  /** The part that was released, on the recording's own time axis; null for all of it. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** manifest.json of a package: what was released, to whom, why, and the hash of every file. */
export interface PackageManifest {
  /** UUID. */
  readonly disclosure: string;
  /** Origin of the log. */
  readonly log: string;
  /** The log's vkey. */
  readonly logKey: string;
  readonly agency: string;
  /** RFC 3339, UTC, milliseconds, "Z". */
  readonly createdAt: string;
  readonly recipient: { readonly name: string; readonly organisation: string; readonly kind: string };
  readonly legalBasis: string;
  readonly conditions: string;
  readonly until: string;
  readonly form: PackageForm;
  readonly recordings: readonly PackagedRecording[];
  /** By path. Bytes, and lowercase hexadecimal. */
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>;
}

/** That the log holds the hash of a package, or of its manifest: the entry's header, and a C2SP tlog-proof of it. */
export interface DisclosureProof {
  readonly of: 'package' | 'manifest';
  readonly disclosure: string;
  readonly sha256: string;
  /** The exact bytes, as text, of the entry's header. */
  readonly header: string;
  readonly proof: string;
}

const manifestShape = new JsonShape('package-malformed', 'manifest of the package');
const proofShape = new JsonShape('package-malformed', 'proof of the package');
const ENTRY_TYPES = { package: 'disclosure.packaged', manifest: 'disclosure.listed' } as const;
const anyText = (): boolean => true;
const notEmpty = (text: string): boolean => text !== '';

/** Text of manifest.json: canonical JSON (RFC 8785) without a final newline. @throws TlogError 'package-malformed' */
export function formatPackageManifest({ recordings, files, ...rest }: PackageManifest): string {
  const listed = [...files].map(([path, { size, sha256 }]) => ({ path, size, sha256 }));
  listed.sort((a, b) => (a.path < b.path ? -1 : 1));
  const text = canonicalize({
    format: PACKAGE_FORMAT,
    ...rest,
    recordings: recordings.map((each): Json => ({ ...each })),
    files: listed,
  });
  parsePackageManifest(text);
  return text;
}

/** @throws TlogError unless the text is as `formatPackageManifest` writes it */
export function parsePackageManifest(text: string): PackageManifest {
  const s = manifestShape;
  const names = ['format', 'disclosure', 'log', 'logKey', 'agency', 'createdAt', 'recipient', 'legalBasis', 'conditions'];
  const o = s.object(parseCanonical(text), [...names, 'until', 'form', 'recordings', 'files']);
  s.literal(o, 'format', PACKAGE_FORMAT);
  const recipient = s.object(o['recipient'], ['name', 'organisation', 'kind']);
  const files = listedFiles(s.list(o, 'files'));
  const recordings = s.list(o, 'recordings').map(packagedRecording);
  if (recordings.length === 0) s.refuse('it names no recording');
  const paths = recordings.flatMap(({ media, bundle, report }) => [media, bundle, report]);
  if (new Set(paths).size !== paths.length) s.refuse('one file stands for several things');
  for (const path of paths) if (!files.has(path)) s.refuse(`${JSON.stringify(path)} is not among its files`);
  if (new Set(recordings.map(({ recording }) => recording)).size !== recordings.length) s.refuse('it names a recording twice');
  return {
    disclosure: s.uuid(o, 'disclosure'),
    log: s.text(o, 'log', isKeyName, 'the origin of a log'),
    logKey: s.text(o, 'logKey', notEmpty, 'a key'),
    agency: s.text(o, 'agency', anyText, 'text'),
    createdAt: s.instant(o, 'createdAt'),
    recipient: {
      name: s.text(recipient, 'name', notEmpty, 'text'),
      organisation: s.text(recipient, 'organisation', anyText, 'text'),
      kind: s.text(recipient, 'kind', notEmpty, 'text'),
    },
    legalBasis: s.text(o, 'legalBasis', anyText, 'text'),
    conditions: s.text(o, 'conditions', anyText, 'text'),
    until: s.instant(o, 'until'),
    form: PACKAGE_FORMS.find((form) => form === o['form']) ?? s.refuse('form is neither unaltered nor marked'),
    recordings,
    files,
  };
}

function listedFiles(list: readonly Json[]): PackageManifest['files'] {
  const s = manifestShape;
  const files = new Map<string, { size: number; sha256: string }>();
  let previous = '';
  for (const each of list) {
    const file = s.object(each, ['path', 'size', 'sha256']);
    const path = s.text(file, 'path', isBundlePath, 'a relative path');
    if (Object.values<string>(PACKAGE_FILES).includes(path)) s.refuse(`${path} is not a file that it may list`);
    if (path <= previous) s.refuse('its files are not in order, or one is listed twice');
    previous = path;
    files.set(path, { size: s.integer(file, 'size', 0), sha256: s.sha256(file, 'sha256') });
  }
  return files;
}

function packagedRecording(value: Json): PackagedRecording {
  const s = manifestShape;
  const o = s.object(value, ['recording', 'name', 'sha256', 'media', 'bundle', 'report', 'fromMs', 'toMs']);
  const time = (name: string): number | null => (o[name] === null ? null : s.integer(o, name, 0));
  const [fromMs, toMs] = [time('fromMs'), time('toMs')];
  if ((fromMs === null) !== (toMs === null) || (fromMs !== null && toMs !== null && fromMs >= toMs))
    s.refuse('fromMs and toMs are no range');
  return {
    recording: s.uuid(o, 'recording'),
    name: s.text(o, 'name', anyText, 'text'),
    sha256: s.sha256(o, 'sha256'),
    media: s.text(o, 'media', isBundlePath, 'a relative path'),
    bundle: s.text(o, 'bundle', isBundlePath, 'a relative path'),
    report: s.text(o, 'report', isBundlePath, 'a relative path'),
    fromMs,
    toMs,
  };
}

/** Canonical JSON without a final newline. @throws TlogError 'package-malformed' */
export function formatDisclosureProof(proof: DisclosureProof): string {
  const text = canonicalize({ format: PROOF_FORMAT, ...proof });
  readProof(text);
  return text;
}

/**
 * Checks that the log holds the hash of this package, or of this manifest.
 * @throws TlogError 'package-mismatch' when the proof is of something else; other codes when it is malformed or not proven
 */
export function verifyDisclosureProof(
  text: string,
  args: LogTrust & Pick<DisclosureProof, 'of' | 'disclosure' | 'sha256'>,
): { readonly index: bigint; readonly at: string; readonly checkpoint: Checkpoint } {
  const found = readProof(text);
  const header = decodeHeader(utf8(found.header));
  const { index, hashes, checkpoint: note } = parseProof(found.proof);
  const { checkpoint } = openTrusted(note, args);
  expectSame('What it is a proof of', found.of, args.of);
  expectSame('The disclosure', found.disclosure, args.disclosure);
  expectSame(`The SHA-256 of the ${args.of}`, args.sha256, found.sha256);
  expectSame('The SHA-256 in the log entry', header.sha256, found.sha256);
  expectSame('The subject of the log entry', header.subject, found.disclosure);
  expectSame('The type of the log entry', header.type, ENTRY_TYPES[args.of]);
  expectSame('The log named by the entry', header.log, checkpoint.origin);
  const { size, root } = checkpoint;
  verifyInclusion({ index, size, leaf: leafHash(utf8(found.header)), proof: hashes, root });
  return { index, at: header.at, checkpoint };
}

function readProof(text: string): DisclosureProof {
  const s = proofShape;
  const o = s.object(parseCanonical(text), ['format', 'of', 'disclosure', 'sha256', 'header', 'proof']);
  s.literal(o, 'format', PROOF_FORMAT);
  const { of } = o;
  return {
    of: of === 'package' || of === 'manifest' ? of : s.refuse('of is neither package nor manifest'),
    disclosure: s.uuid(o, 'disclosure'),
    sha256: s.sha256(o, 'sha256'),
    header: s.text(o, 'header', notEmpty, 'the text of an entry header'),
    proof: s.text(o, 'proof', notEmpty, 'the text of a proof'),
  };
}

/**
 * Checks the evidence bundle of one recording of a package, and that the media file beside it is what the log says: an unaltered copy has the
 * SHA-256 that the recording was sealed with, a marked one that of a copy that was made of it for this disclosure, and of this part.
 * @param media SHA-256 of the media file in hand
 * @throws TlogError 'package-mismatch'
 */
export function verifyPackagedRecording(
  packaged: PackagedRecording,
  of: { form: PackageForm; disclosure: string; media: string; bundle: Files; trust: LogTrust },
): BundleVerdict {
  const { form, disclosure, media, bundle, trust } = of;
  const refuse = (why: string): never => {
    throw new TlogError('package-mismatch', why);
  };
  if (!isBundle(bundle)) refuse('It is no evidence bundle.');
  const verdict = verifyBundle(bundle, trust);
  if (!verdict.ok) {
    const failed = verdict.checks.find(({ ok }) => !ok);
    refuse(`The bundle does not verify: ${[failed?.name, failed?.where, failed?.detail].filter(Boolean).join(': ')}`);
  }
  expectSame('The recording that the bundle is about', verdict.recording, packaged.recording);
  const own = linesOf(fromUtf8(bundle.get(BUNDLE_FILES.entries) ?? new Uint8Array()))
    .map(parseBundleEntry)
    .map(({ header, payload }) => ({ ...decodeHeader(utf8(header)), payload }))
    .filter(({ subject }) => subject === packaged.recording);
  expectSame('The SHA-256 that it was sealed with', own.find(({ type }) => type === 'recording.sealed')?.sha256, packaged.sha256);
  if (form === 'unaltered') expectSame('The SHA-256 of the media file', media, packaged.sha256);
  else {
    const copies = own.filter(({ type, sha256 }) => type === 'disclosure.marked' && sha256 === media);
    if (copies.length === 0) refuse(`The log knows of no marked copy with the SHA-256 of the media file, ${media}.`);
    if (!copies.some(({ payload }) => isMarkedFor(payload, disclosure, packaged)))
      refuse('The log knows the media file as a copy that was made for another disclosure, or of another part of the recording.');
  }
  return verdict;
}

/** Of the payload that the log entry's header commits to. One that was erased says nothing any more, and nothing against it. */
function isMarkedFor(payload: string | null, disclosure: string, { fromMs, toMs }: PackagedRecording): boolean {
  if (payload === null) return true;
  const { event } = parseCanonical(payload) as { event?: Readonly<Record<string, Json>> };
  const said = event ?? {};
  return said['disclosure'] === disclosure && said['fromMs'] === fromMs && said['toMs'] === toMs;
}

function expectSame(what: string, found: string | undefined, wanted: string): void {
  if (found !== wanted) throw new TlogError('package-mismatch', `${what} is ${found ?? 'missing'}, and not ${wanted}.`);
}
