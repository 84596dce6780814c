import { attempt, lineAt, textOf, type BundleCheck, type Entry, type Fault, type Files } from './bundle-check.js';
import { checkWitnesses, chooseLogKey, choosePolicies, readCheckpoint, type Cosigner } from './bundle-checkpoint.js';
import {
  BUNDLE_FILES,
  PROVING_FILES,
  isUnlisted,
  linesOf,
  parseBundleEntry,
  parseBundleManifest,
  parseBundleProof,
  type BundleManifest,
} from './bundle-format.js';
import { checkHeads, type Completeness } from './bundle-heads.js';
import { checkTimestamps, hasTimestamps, type BundleTimestamp } from './bundle-timestamps.js';
import { erasuresOf, isErased, type ErasedPayload } from './bundle-erasure.js';
import type { Checkpoint } from './checkpoint.js';
import { base64, equalBytes, hex, utf8 } from './encodings.js';
import { decodeHeader, payloadCommitment } from './entry.js';
import { openManifest } from './manifest.js';
import { leafHash, sha256, verifyInclusion } from './merkle.js';
import { parseVerifier } from './note.js';
import { TlogError } from './tlog-error.js';
import type { LogTrust } from './witness-policy.js';

/** `ok` only when every check is. The other fields say what could be read, and count for nothing when `ok` is false. */
export interface BundleVerdict {
  readonly ok: boolean;
  readonly checks: readonly BundleCheck[];
  readonly recording?: string;
  readonly entries: number;
  /** Entries whose payload was destroyed, as a later entry says. */
  readonly erased: readonly ErasedPayload[];
  readonly checkpoint?: Checkpoint;
  /** The vkey that the checkpoint was verified with. */
  readonly logKey?: string;
  /** False: the key came out of the bundle, so all that is shown is that the bundle agrees with itself. */
  readonly logKeyPinned: boolean;
  /** There is a policy, and this is its quorum. `pinned` is false when it came out of the bundle: then nobody vouches for its witnesses. */
  readonly cosigned?: { readonly pinned: boolean; readonly by: readonly Cosigner[] };
  /** The bundle proves that it left nothing out. */
  readonly complete?: Completeness;
  /** What the timestamps of the checkpoint say. Their imprint was checked, the authorities' signatures were not. */
  readonly timestamps: readonly BundleTimestamp[];
}

// A broken bundle can be broken on every line; nobody reads past the first faults of one kind.
const MAX_FAULTS = 20;

/** Whether these files claim to be an evidence bundle at all. */
export function isBundle(files: Files): boolean {
  return files.has(BUNDLE_FILES.bundle);
}

/**
 * Checks an evidence bundle, as README.md ("Evidence bundle") lays down. Never throws: whatever is wrong, hostile input
 * included, is a failed check. `trust` is what is known from elsewhere: the log's key, a policy that names logs and witnesses, or both.
 * Without a key the one in the bundle is used, without a policy the bundle's own, if it has one.
 */
export function verifyBundle(files: Files, trust: LogTrust = {}): BundleVerdict {
  const checks: BundleCheck[] = [];

  function check<T extends { readonly detail: string }>(name: string, run: (fault: Fault) => T): T | undefined {
    let faults = 0;
    const fault: Fault = (where, why) => {
      faults += 1;
      if (faults <= MAX_FAULTS) checks.push({ name, ok: false, ...(where === undefined ? {} : { where }), detail: why });
    };
    const done = attempt(fault, undefined, () => run(fault));
    if (faults > MAX_FAULTS) checks.push({ name, ok: false, detail: `${faults - MAX_FAULTS} more faults of this kind.` });
    if (faults === 0 && done !== undefined) checks.push({ name, ok: true, detail: done.detail });
    return done;
  }

  const manifest = check('bundle.json', (fault) => readBundleJson(files, fault))?.value;
  if (manifest === undefined) {
    return { ok: false, checks, entries: 0, erased: [], timestamps: [], logKeyPinned: trust.logKey !== undefined };
  }
  const hasPolicy = trust.policy !== undefined || files.has(BUNDLE_FILES.policy);
  const policies = (hasPolicy && check('policy', (fault) => choosePolicies(files, trust.policy, fault))?.value) || {};
  const chosen = check('log key', (fault) => chooseLogKey(manifest, trust, policies, fault));
  const logKey = chosen?.value;
  check('files', (fault) => checkFiles(files, manifest, fault));
  const signing = chosen?.signing ?? [];
  const checkpoint = logKey && check('checkpoint', (fault) => readCheckpoint(files, manifest, signing, policies, fault))?.value;
  const timestamps = hasTimestamps(files) ? check('timestamps', (fault) => checkTimestamps(files, fault))?.value : [];
  const cosigners = hasPolicy ? check('witnesses', (fault) => checkWitnesses(files, policies, fault))?.value : undefined;
  const entries = check('entries', (fault) => readEntries(files, manifest, fault))?.value ?? [];
  if (checkpoint) check('inclusion', (fault) => checkInclusion(files, entries, checkpoint, fault));
  const erased = check('payloads', (fault) => checkPayloads(entries, fault))?.value ?? [];
  check('chains', (fault) => checkChains(entries, manifest, fault));
  const complete =
    checkpoint && (manifest.headsEntry !== undefined || files.has(BUNDLE_FILES.heads))
      ? check('heads', (fault) => checkHeads(files, entries, manifest, checkpoint, fault))?.value
      : undefined;
  check('export', (fault) => checkExport(files, entries, manifest, fault));
  const sealed = check('sealed', (fault) => checkSealed(entries, manifest, fault))?.value;
  if (files.has(BUNDLE_FILES.manifest)) check('dock manifest', (fault) => checkDockManifest(files, sealed, fault));

  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    recording: manifest.recording,
    entries: entries.length,
    erased,
    ...(checkpoint ? { checkpoint } : {}),
    ...(logKey ? { logKey: logKey.vkey } : {}),
    logKeyPinned: chosen?.pinned ?? false,
    ...(cosigners ? { cosigned: { pinned: trust.policy !== undefined, by: cosigners } } : {}),
    ...(complete ? { complete } : {}),
    timestamps: timestamps ?? [],
  };
}

function readBundleJson(files: Files, fault: Fault): { detail: string; value?: BundleManifest } {
  const value = attempt(fault, BUNDLE_FILES.bundle, () => parseBundleManifest(textOf(files, BUNDLE_FILES.bundle)));
  return value ? { detail: `Evidence bundle of recording ${value.recording}, made ${value.createdAt}.`, value } : { detail: '' };
}

function checkFiles(files: Files, manifest: BundleManifest, fault: Fault): { detail: string } {
  for (const path of PROVING_FILES) {
    if (!files.has(path)) fault(path, 'The file is missing.');
  }
  for (const [path, digest] of manifest.files) {
    const data = files.get(path);
    if (data === undefined) fault(path, 'The file is missing.');
    else if (hex(sha256(data)) !== digest) fault(path, 'The SHA-256 of the file is not the one in bundle.json.');
  }
  for (const path of files.keys()) {
    if (!manifest.files.has(path) && !isUnlisted(path)) fault(path, 'The file is not listed in bundle.json.');
  }
  return { detail: `${manifest.files.size} listed files are there, unaltered, and no others.` };
}

function readEntries(files: Files, manifest: BundleManifest, fault: Fault): { detail: string; value: Entry[] } {
  const value: Entry[] = [];
  const lines = attempt(fault, BUNDLE_FILES.entries, () => linesOf(textOf(files, BUNDLE_FILES.entries))) ?? [];
  const subjects = new Set(manifest.subjects);
  let previous = -1n;
  lines.forEach((line, i) => {
    const where = lineAt(BUNDLE_FILES.entries, i);
    const entry = attempt(fault, where, () => readEntry(line, where));
    if (entry === undefined) return;
    value.push(entry);
    if (entry.index <= previous) fault(where, `Entry ${entry.index} follows entry ${previous}: the lines are out of order.`);
    if (entry.header.log !== manifest.log) fault(where, `The entry is of the log ${entry.header.log}.`);
    if (!subjects.has(entry.header.subject))
      fault(where, `The entry is about ${entry.header.subject}, which bundle.json does not name.`);
    previous = entry.index;
  });
  return { detail: `${value.length} entries, well-formed and in order.`, value };
}

function readEntry(line: string, where: string): Entry {
  const { index, header: headerText, salt, payload } = parseBundleEntry(line);
  const header = utf8(headerText);
  return { where, index, header: decodeHeader(header), leaf: leafHash(header), salt, payload };
}

function checkInclusion(files: Files, entries: readonly Entry[], checkpoint: Checkpoint, fault: Fault): { detail: string } {
  const lines = attempt(fault, BUNDLE_FILES.proofs, () => linesOf(textOf(files, BUNDLE_FILES.proofs))) ?? [];
  if (lines.length !== entries.length) {
    fault(BUNDLE_FILES.proofs, `There are ${lines.length} proofs for ${entries.length} well-formed entries.`);
  }
  // By line, so that one broken entry does not make all that follow look unproven.
  const entryAt = new Map(entries.map((entry) => [entry.where, entry]));
  lines.forEach((line, i) => {
    const where = lineAt(BUNDLE_FILES.proofs, i);
    const proof = attempt(fault, where, () => parseBundleProof(line));
    const entry = entryAt.get(lineAt(BUNDLE_FILES.entries, i));
    if (proof === undefined || entry === undefined) return;
    if (proof.index !== entry.index) {
      fault(where, `The proof is of entry ${proof.index}, the entry on the same line is ${entry.index}.`);
      return;
    }
    const { size, root } = checkpoint;
    const unproven: Fault = (entryLine, why) => fault(entryLine, `${why} Either this line or ${where} is not as it was.`);
    attempt(unproven, entry.where, () =>
      verifyInclusion({ index: entry.index, size, leaf: entry.leaf, proof: proof.hashes, root }),
    );
  });
  return { detail: 'Every entry is in the log under the checkpoint.' };
}

function checkPayloads(entries: readonly Entry[], fault: Fault): { detail: string; value: ErasedPayload[] } {
  const erasures = erasuresOf(entries);
  const value: ErasedPayload[] = [];
  for (const entry of entries) {
    const { where, header, salt, payload } = entry;
    if (salt === null || payload === null) {
      const erasure = erasures.find((candidate) => isErased(entry, candidate));
      if (erasure) value.push({ entry: header.id, type: header.type, by: erasure.header.id, at: erasure.header.at });
      else fault(where, 'The payload is missing, and no later entry about the same subject says that it was erased.');
      continue;
    }
    attempt(fault, where, () => {
      if (base64(payloadCommitment(salt, payload)) !== header.pc)
        fault(where, 'The payload is not the one that the header commits to.');
    });
  }
  const erased = value.length === 0 ? '' : ` Payload erased, as a later entry says: ${value.length}.`;
  return { detail: `Every payload is the one that its entry commits to.${erased}`, value };
}

function checkChains(entries: readonly Entry[], manifest: BundleManifest, fault: Fault): { detail: string } {
  const chains = new Map<string, Entry[]>(manifest.subjects.map((subject) => [subject, []]));
  for (const entry of entries) chains.get(entry.header.subject)?.push(entry);
  for (const [subject, chain] of chains) {
    if (chain.length === 0) fault(BUNDLE_FILES.entries, `There is no entry about ${subject}, which bundle.json names.`);
    const [head, last] = [manifest.heads.get(subject), chain.at(-1)];
    if (head && last && !equalBytes(head, last.leaf)) {
      fault(last.where, `The chain of ${subject} does not end with the entry that bundle.json names.`);
    }
    chain.forEach(({ where, header }, i) => {
      const before = chain[i - 1];
      if (header.seq !== i) {
        fault(where, `The entry is number ${header.seq} about ${subject} where number ${i} should be.`);
      } else if (header.prev !== (before === undefined ? null : base64(before.leaf))) {
        fault(where, `The entry does not point to the one before it about ${subject}.`);
      }
    });
  }
  return { detail: `${manifest.subjects.length} chains begin at their first entry, have no gap and end where they should.` };
}

function checkExport(files: Files, entries: readonly Entry[], manifest: BundleManifest, fault: Fault): { detail: string } {
  const last = entries.findLast(({ header }) => header.subject === manifest.recording);
  const digest = hex(sha256(files.get(BUNDLE_FILES.bundle) ?? new Uint8Array()));
  if (last?.header.type !== 'evidence-bundle.exported') {
    fault(last?.where ?? BUNDLE_FILES.entries, 'The chain of the recording does not end with the export of this bundle.');
  } else if (last.header.sha256 !== digest) {
    fault(BUNDLE_FILES.bundle, 'The SHA-256 of bundle.json is not the one that the export put in the log.');
  }
  return { detail: 'The log holds the SHA-256 of bundle.json as the last entry about the recording.' };
}

function checkSealed(entries: readonly Entry[], manifest: BundleManifest, fault: Fault): { detail: string; value?: string } {
  const sealed = entries.filter(({ header }) => header.subject === manifest.recording && header.type === 'recording.sealed');
  const value = sealed[0]?.header.sha256;
  if (sealed.length !== 1) fault(BUNDLE_FILES.entries, `The recording was sealed ${sealed.length} times, not once.`);
  else if (value === undefined) fault(sealed[0]?.where, 'The entry does not name the SHA-256 of the recording.');
  return value === undefined ? { detail: '' } : { detail: `The recording was sealed with SHA-256 ${value}.`, value };
}

function checkDockManifest(files: Files, sealed: string | undefined, fault: Fault): { detail: string } {
  const dockKey = attempt(fault, BUNDLE_FILES.dockKey, () => {
    const [vkey, ...more] = linesOf(textOf(files, BUNDLE_FILES.dockKey));
    if (more.length > 0) throw new TlogError('key-malformed', 'The file holds more than one line.');
    return parseVerifier(vkey ?? '');
  });
  const manifest =
    dockKey && attempt(fault, BUNDLE_FILES.manifest, () => openManifest(textOf(files, BUNDLE_FILES.manifest), dockKey));
  if (manifest && !manifest.files.some((file) => file.sha256 === sealed)) {
    fault(BUNDLE_FILES.manifest, 'The dock did not sign a file with the SHA-256 of the recording.');
  }
  // When it was signed nobody knows, and that the key is the dock's is the exporter's word.
  return { detail: `The key that the bundle names as that of dock ${manifest?.dock ?? ''} signed for the recording.` };
}
