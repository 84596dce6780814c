import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  decodeZip,
  PACKAGE_FILES,
  parsePackageManifest,
  parseVerifier,
  TlogError,
  verifyDisclosureProof,
  verifyPackagedRecording,
  type BundleCheck,
  type LogTrust,
  type PackagedRecording,
  type PackageManifest,
} from '#tlog';
import { packageSource, type PackageSource } from './package-source.js';
import { fingerprint, printable } from './verdict-text.js';
import { messageOf, readWhole, Unusable } from './trust-options.js';

export interface PackageResult {
  /** File or folder. */
  readonly package: string;
  readonly ok: boolean;
  readonly checks: readonly BundleCheck[];
  readonly manifest?: PackageManifest;
  /** The vkey that everything was verified with. */
  readonly logKey?: string;
  /** False: the key came out of the package, so all that is shown is that the package agrees with itself. */
  readonly logKeyPinned: boolean;
  /** Everything stands under checkpoints that the witnesses of a given policy cosigned. */
  readonly cosigned: boolean;
}

/** manifest.json and its proof: a package of a thousand recordings has one of less than a megabyte. */
const MOST_MANIFEST_BYTES = 2 ** 24;
/** A bundle is read whole; nobody's is larger. */
const MOST_BUNDLE_BYTES = 2 ** 29;

/**
 * Checks what was disclosed: the container, the hash of every file, the bundle of every recording, that each media file is what the log says,
 * and that the log holds the manifest. Files are read as streams, so memory does not grow with the footage.
 * @param proofPath the proof of the package file itself, as it is served beside it. @throws Unusable
 */
export async function checkPackage(path: string, given: LogTrust, proofPath: string | undefined): Promise<PackageResult> {
  const source = await packageSource(path);
  const checks: BundleCheck[] = [];
  const check = async (name: string, where: string | undefined, run: () => string | Promise<string>): Promise<boolean> => {
    try {
      checks.push({ name, ok: true, ...(where === undefined ? {} : { where }), detail: await run() });
      return true;
    } catch (error) {
      if (error instanceof Unusable) throw error;
      checks.push({ name, ok: false, ...(where === undefined ? {} : { where }), detail: messageOf(error) });
      return false;
    }
  };
  await check('container', undefined, () => {
    if (source.fault !== undefined) throw new Error(source.fault);
    return `${source.files.size} files.`;
  });
  if (source.fault === undefined && !source.files.has(PACKAGE_FILES.manifest))
    throw new Unusable(`${path} is no package: it holds no ${PACKAGE_FILES.manifest}.`);
  let manifest: PackageManifest | undefined;
  let text = '';
  let trust = given;
  await check('manifest', PACKAGE_FILES.manifest, async () => {
    text = await textOf(source, PACKAGE_FILES.manifest);
    const read = parsePackageManifest(text);
    if (given.logKey === undefined && !given.policy?.logKeys.length) trust = { ...given, logKey: parseVerifier(read.logKey) };
    manifest = read;
    return `Disclosure ${read.disclosure} to ${read.recipient.name}, ${read.recipient.organisation}, of ${read.recordings.length} recordings.`;
  });
  const logKeyPinned = given.logKey !== undefined || (given.policy?.logKeys.length ?? 0) > 0;
  if (manifest !== undefined) {
    const read = manifest;
    const { disclosure } = read;
    await check('logged', PACKAGE_FILES.proof, async () => {
      const proof = await textOf(source, PACKAGE_FILES.proof);
      const sha256 = createHash('sha256').update(text).digest('hex');
      const { index, at } = verifyDisclosureProof(proof, { ...trust, of: 'manifest', disclosure, sha256 });
      return `The log holds the manifest as entry ${index}, at ${at}.`;
    });
    const hashes = await checkFiles(source, manifest, check);
    for (const recording of manifest.recordings)
      await check('recording', recording.media, () => checkRecording(source, recording, read, hashes, trust));
    if (proofPath !== undefined) await check('package', proofPath, () => checkWhole(path, proofPath, disclosure, trust));
  }
  const ok = manifest !== undefined && checks.every((each) => each.ok);
  const logKey = trust.logKey?.vkey ?? trust.policy?.logKeys[0]?.vkey;
  return {
    ...{ package: path, ok, checks, logKeyPinned, cosigned: ok && given.policy !== undefined },
    ...(manifest === undefined ? {} : { manifest }),
    ...(logKey === undefined ? {} : { logKey }),
  };
}

async function checkFiles(
  source: PackageSource,
  manifest: PackageManifest,
  check: (name: string, where: string | undefined, run: () => Promise<string>) => Promise<boolean>,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  const own: readonly string[] = Object.values(PACKAGE_FILES);
  for (const path of source.files.keys()) {
    if (own.includes(path) || manifest.files.has(path)) continue;
    await check('files', path, () => Promise.reject(new Error('The manifest does not list this file.')));
  }
  for (const [path, { size, sha256 }] of manifest.files) {
    await check('files', path, async () => {
      const found = source.files.get(path);
      if (found === undefined) throw new Error('The file is missing.');
      if (found !== size) throw new Error(`The file has ${found} bytes, and not ${size}.`);
      const hash = createHash('sha256');
      for await (const chunk of source.read(path)) hash.update(chunk);
      const digest = hash.digest('hex');
      if (digest !== sha256) throw new Error(`The SHA-256 of the file is ${digest}, and not ${sha256}.`);
      hashes.set(path, digest);
      return `${size} bytes, SHA-256 ${digest}.`;
    });
  }
  return hashes;
}

async function checkRecording(
  source: PackageSource,
  recording: PackagedRecording,
  { form, disclosure }: PackageManifest,
  hashes: ReadonlyMap<string, string>,
  trust: LogTrust,
): Promise<string> {
  const media = hashes.get(recording.media);
  if (media === undefined || !hashes.has(recording.bundle) || !hashes.has(recording.report))
    throw new Error('Its files are not as the manifest lists them.');
  const bundle = decodeZip(await whole(source, recording.bundle, MOST_BUNDLE_BYTES));
  const { entries } = verifyPackagedRecording(recording, { form, disclosure, media, bundle, trust });
  const is =
    form === 'unaltered' ? 'This is the sealed recording, unaltered' : 'This is the copy that was made for the recipient';
  return `${is}; ${entries} log entries about recording ${recording.recording}.`;
}

async function checkWhole(path: string, proofPath: string, disclosure: string, trust: LogTrust): Promise<string> {
  const proof = Buffer.from(await readWhole(proofPath)).toString('utf8');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const { index, at } = verifyDisclosureProof(proof, { ...trust, of: 'package', disclosure, sha256 });
  return `The log holds the SHA-256 of the whole package, ${sha256}, as entry ${index}, at ${at}.`;
}

async function textOf(source: PackageSource, path: string): Promise<string> {
  if (!source.files.has(path)) throw new Error('The file is missing.');
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await whole(source, path, MOST_MANIFEST_BYTES));
}

async function whole(source: PackageSource, path: string, most: number): Promise<Uint8Array> {
  if ((source.files.get(path) ?? 0) > most) throw new TlogError('package-malformed', `${path} is larger than any such file.`);
  const chunks: Buffer[] = [];
  for await (const chunk of source.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One line a check, then a sentence on the whole and on where the log's key came from. */
export function packageText({ package: path, ok, checks, manifest, logKey, logKeyPinned, cosigned }: PackageResult): string {
  const lines = checks.map(({ name, ok: passed, where, detail }) => {
    return `${passed ? '✓' : '✗'} ${name}: ${where === undefined ? '' : `${printable(where)}: `}${printable(detail)}`;
  });
  const failed = checks.filter((each) => !each.ok).length;
  const closing =
    ok && manifest !== undefined
      ? [
          `VERIFIED: disclosure ${manifest.disclosure}, ${manifest.recordings.length} recordings, nothing altered.`,
          `Released to ${printable(manifest.recipient.name)}, ${printable(manifest.recipient.organisation)} (${printable(manifest.recipient.kind)}).`,
          ...(manifest.form === 'marked' ? ['The media are copies with the name of the recipient in the picture.'] : []),
          'What this does not show: that there are no other recordings, that the pictures show what happened, that the disclosure has',
          'not been taken back since, or whose hands the package went through on its way to you.',
          ...(manifest.form === 'marked' ? ['That a copy shows what the sealed recording shows is the word of the agency.'] : []),
          ...(cosigned
            ? []
            : ['No witness was asked for (--policy): that the agency shows everybody the same log is its own word.']),
        ]
      : [`NOT VERIFIED: ${failed === 1 ? 'one check' : `${failed} checks`} of ${printable(path)} failed.`];
  const shown = logKey === undefined ? [] : [`  ${printable(logKey)}`, `  SHA-256 fingerprint: ${fingerprint(logKey)}`];
  const whose = logKeyPinned
    ? 'The log key is one that you gave:'
    : 'The log key came out of the package itself. That shows only that the package agrees with itself: compare this key with the one the agency or its oversight board has published, or give that one with --log-key.';
  return [...lines, '', ...closing, ...(shown.length === 0 ? [] : [whose, ...shown]), ''].join('\n');
}

/** One JSON object. */
export function packageJson({ manifest, ...result }: PackageResult): string {
  const { files, ...rest } = manifest ?? { files: new Map() };
  return `${JSON.stringify({ ...result, ...(manifest === undefined ? {} : { manifest: { ...rest, files: files.size } }) })}\n`;
}
