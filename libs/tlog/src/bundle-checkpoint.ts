import { attempt, textOf, type Fault, type Files } from './bundle-check.js';
import { BUNDLE_FILES, type BundleManifest } from './bundle-format.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { verifyCosignatures } from './cosignature.js';
import { openNote, parseVerifier, type NoteVerifier } from './note.js';
import { TlogError } from './tlog-error.js';
import { acceptsLog, checkQuorum, parsePolicy, type LogTrust, type WitnessPolicy } from './witness-policy.js';

/** The policies that a checkpoint has to satisfy, and whose witnesses may sign it. */
export interface Policies {
  /** As known from elsewhere. */
  readonly given?: WitnessPolicy;
  /** policy.txt: says what the bundle claims, not what to trust. */
  readonly inBundle?: WitnessPolicy;
}

export interface Cosigner {
  /** The name that the policy gives the witness. */
  readonly alias: string;
  /** RFC 3339, UTC, milliseconds, "Z"; whole seconds. */
  readonly time: string;
}

export function choosePolicies(
  files: Files,
  given: WitnessPolicy | undefined,
  fault: Fault,
): { detail: string; value: Policies } {
  const inBundle = files.has(BUNDLE_FILES.policy)
    ? attempt(fault, BUNDLE_FILES.policy, () => parsePolicy(textOf(files, BUNDLE_FILES.policy)))
    : undefined;
  const detail = given
    ? `The policy that was given names ${given.witnesses.length} witnesses.`
    : `No policy was given: the policy in the bundle is used, which names ${inBundle?.witnesses.length ?? 0} witnesses.`;
  return { detail, value: { ...(given ? { given } : {}), ...(inBundle ? { inBundle } : {}) } };
}

/** `value` is the key that is trusted, `signing` are all that must have signed. */
export function chooseLogKey(
  manifest: BundleManifest,
  trust: LogTrust,
  { inBundle: policyInBundle }: Policies,
  fault: Fault,
): { detail: string; value?: NoteVerifier; signing: readonly NoteVerifier[]; pinned: boolean } {
  const texts = [manifest.logKey, ...(manifest.alsoSignedBy ?? [])];
  const all = attempt(fault, BUNDLE_FILES.bundle, () => texts.map(parseVerifier)) ?? [];
  for (const { name } of all) {
    if (name !== manifest.log) fault(BUNDLE_FILES.bundle, `The key is named ${name}, the log ${manifest.log}.`);
  }
  const given = trust.logKey;
  const isForeign = given !== undefined && !all.some(({ vkey }) => vkey === given.vkey);
  if (isForeign && all.length > 0) {
    fault(BUNDLE_FILES.bundle, `The bundle names the log key ${texts.join(', ')}, the key to trust is ${given.vkey}.`);
  }
  for (const [policy, whose] of [
    [trust.policy, 'that was given'],
    [policyInBundle, 'in the bundle'],
  ] as const) {
    const keys = given ? [given] : all;
    if (policy && keys.length > 0 && !keys.some((key) => acceptsLog(policy, key))) {
      fault(BUNDLE_FILES.bundle, `The policy ${whose} does not name the log key ${keys.map(({ vkey }) => vkey).join(', ')}.`);
    }
  }
  // A policy with logs says which keys to trust as much as a key does.
  const byPolicy = trust.policy !== undefined && trust.policy.logKeys.length > 0;
  const value = given ?? all.find((key) => trust.policy === undefined || acceptsLog(trust.policy, key)) ?? all[0];
  const detail = given
    ? 'The key in the bundle is the one that was given.'
    : byPolicy
      ? 'The key in the bundle is one of the policy that was given.'
      : 'No key was given: the key in the bundle is used.';
  return { detail, ...(value ? { value } : {}), signing: isForeign ? [given] : all, pinned: given !== undefined || byPolicy };
}

export function readCheckpoint(
  files: Files,
  manifest: BundleManifest,
  logKeys: readonly NoteVerifier[],
  policies: Policies,
  fault: Fault,
): { detail: string; value?: Checkpoint } {
  const value = attempt(fault, BUNDLE_FILES.checkpoint, () => {
    const note = textOf(files, BUNDLE_FILES.checkpoint);
    const { text, signers, unknown } = openNote(note, logKeys);
    const witnesses = [...(policies.given?.witnesses ?? []), ...(policies.inBundle?.witnesses ?? [])];
    // A line that nobody verified could be altered unnoticed.
    if (verifyCosignatures(note, witnesses).length !== unknown) {
      throw new TlogError('note-malformed', 'The checkpoint carries a signature of an unknown key.');
    }
    const missing = logKeys.find((key) => !signers.includes(key));
    if (missing) throw new TlogError('note-unsigned', `The checkpoint is not signed by ${missing.vkey}.`);
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin !== manifest.log || logKeys.some(({ name }) => name !== manifest.log)) {
      throw new TlogError(
        'checkpoint-malformed',
        `The checkpoint is of the log ${checkpoint.origin}, the bundle of ${manifest.log}.`,
      );
    }
    return checkpoint;
  });
  return value ? { detail: `Signed by ${value.origin} over ${value.size} entries.`, value } : { detail: '' };
}

/** Both policies have to hold: a bundle that breaks its own claims something that is not so. */
export function checkWitnesses(
  files: Files,
  { given, inBundle }: Policies,
  fault: Fault,
): { detail: string; value?: readonly Cosigner[] } {
  const quorumOf = (policy: WitnessPolicy | undefined, whose: string): readonly Cosigner[] | undefined => {
    const lament: Fault = (where, why) => fault(where, `${why} (Policy ${whose}.)`);
    return (
      policy &&
      attempt(lament, BUNDLE_FILES.checkpoint, () =>
        checkQuorum(textOf(files, BUNDLE_FILES.checkpoint), policy).map(({ alias, time }) => {
          return { alias, time: time.toISOString() };
        }),
      )
    );
  };
  const byGiven = quorumOf(given, 'that was given');
  const byBundle = quorumOf(inBundle, 'in the bundle');
  const value = given === undefined ? byBundle : byGiven;
  if (value === undefined) return { detail: '' };
  const names = value.length === 0 ? 'nobody' : value.map(({ alias, time }) => `${alias} at ${time}`).join(', ');
  return { detail: `Cosigned by ${names}: the quorum of the policy ${given ? 'that was given' : 'in the bundle'}.`, value };
}
