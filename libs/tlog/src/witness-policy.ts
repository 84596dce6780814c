import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { parseCosignatureVerifier, verifyCosignatures, type CosignatureVerifier } from './cosignature.js';
import { equalBytes } from './encodings.js';
import { parseVerifier, type NoteVerifier } from './note.js';
import { TlogError } from './tlog-error.js';

/** A witness by the name that the policy gives it. */
export type PolicyWitness = CosignatureVerifier & { readonly alias: string; readonly url?: string };

/** Holds when the witness cosigned, or when at least so many of its members hold. `quorum none` is at least 0 of nothing. */
export type Quorum =
  { readonly witness: string } | { readonly group: string; readonly atLeast: number; readonly of: readonly Quorum[] };

/** Whose signature and whose cosignatures a checkpoint needs. C2SP tlog-policy */
export interface WitnessPolicy {
  /** Any one of them must have signed. May be empty where the log's key is known from elsewhere. */
  readonly logKeys: readonly NoteVerifier[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

// C2SP tlog-policy asks for 32 of each kind at least. A bound keeps a hostile policy from nesting groups without end.
const MAX_LINES = 1000;
const NONE = 'none';

/**
 * Lines `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|N MEMBER…`, `quorum NAME|none`; empty lines and lines that begin
 * with # are skipped. @throws TlogError 'policy-malformed', with the number of the line. C2SP tlog-policy
 */
export function parsePolicy(text: string): WitnessPolicy {
  const reader = new PolicyReader();
  const lines = text.split('\n');
  if (lines.pop() !== '') throw malformed(lines.length + 1, 'the last line has no newline');
  if (lines.length > MAX_LINES) throw malformed(MAX_LINES + 1, `a policy has at most ${MAX_LINES} lines`);
  lines.forEach((line, i) => {
    try {
      reader.read(line);
    } catch (error) {
      throw error instanceof TlogError ? malformed(i + 1, error.message) : error;
    }
  });
  if (reader.quorum === undefined) throw malformed(lines.length, 'there is no quorum line up to here');
  return { logKeys: reader.logKeys, witnesses: reader.witnesses, quorum: reader.quorum };
}

/**
 * @throws TlogError unless a log of the policy signed the checkpoint and the quorum cosigned it ('quorum-missing' otherwise), and every
 * signature by a log or witness of the policy verifies.
 */
export function checkPolicy(
  checkpointNote: string,
  policy: WitnessPolicy,
): { checkpoint: Checkpoint; cosigners: readonly { alias: string; time: Date }[] } {
  const { origin, size, root } = openCheckpoint(checkpointNote, policy.logKeys);
  return { checkpoint: { origin, size, root }, cosigners: checkQuorum(checkpointNote, policy) };
}

/** The half of a policy that is about witnesses. @throws TlogError 'quorum-missing'; 'signature-invalid' */
export function checkQuorum(
  checkpointNote: string,
  { witnesses, quorum }: WitnessPolicy,
): readonly { alias: string; time: Date }[] {
  const cosignatures = verifyCosignatures(checkpointNote, witnesses);
  const cosigners = witnesses.flatMap(({ alias, vkey }) => {
    const cosignature = cosignatures.find(({ witness }) => witness.vkey === vkey);
    return cosignature === undefined ? [] : [{ alias, time: cosignature.time }];
  });
  const names = cosigners.map(({ alias }) => alias);
  if (!isQuorum(quorum, new Set(names))) {
    throw new TlogError(
      'quorum-missing',
      `The checkpoint is cosigned by ${names.length === 0 ? 'no witness' : names.join(', ')}: that is not the quorum.`,
    );
  }
  return cosigners;
}

/** Whether the quorum cosigned it. @throws TlogError when a cosignature of the policy's witnesses does not verify */
export function hasQuorum(checkpointNote: string, policy: WitnessPolicy): boolean {
  try {
    checkQuorum(checkpointNote, policy);
    return true;
  } catch (error) {
    if (error instanceof TlogError && error.code === 'quorum-missing') return false;
    throw error;
  }
}

/** What a verifier knows from elsewhere than the evidence. */
export interface LogTrust {
  readonly logKey?: NoteVerifier;
  readonly policy?: WitnessPolicy;
}

/** Opens a checkpoint under all that is trusted: the log's key, the policy, or both. @throws TlogError */
export function openTrusted(
  checkpointNote: string,
  { logKey, policy }: LogTrust,
): { checkpoint: Checkpoint; cosigners: readonly { alias: string; time: Date }[] } {
  const keys = logKey === undefined ? (policy?.logKeys ?? []) : [logKey];
  if (keys.length === 0) throw new TlogError('note-unsigned', 'Neither a key nor a policy says who signs for the log.');
  if (logKey && policy && !acceptsLog(policy, logKey)) {
    throw new TlogError('note-unsigned', `The policy does not name the log key ${logKey.vkey}.`);
  }
  const { origin, size, root } = openCheckpoint(checkpointNote, keys);
  return { checkpoint: { origin, size, root }, cosigners: policy === undefined ? [] : checkQuorum(checkpointNote, policy) };
}

/** A policy without logs leaves it to somebody else which log is meant. C2SP tlog-policy */
export function acceptsLog({ logKeys }: WitnessPolicy, logKey: NoteVerifier): boolean {
  return logKeys.length === 0 || logKeys.some(({ vkey }) => vkey === logKey.vkey);
}

/** Whether these witnesses, by the names that the policy gives them, are a quorum. */
export function isQuorum(quorum: Quorum, cosigners: ReadonlySet<string>): boolean {
  if ('witness' in quorum) return cosigners.has(quorum.witness);
  return quorum.of.filter((member) => isQuorum(member, cosigners)).length >= quorum.atLeast;
}

class PolicyReader {
  readonly logKeys: NoteVerifier[] = [];
  readonly witnesses: PolicyWitness[] = [];
  quorum?: Quorum;
  /** Witnesses and groups share their names. */
  private readonly named = new Map<string, Quorum>();
  private readonly grouped = new Set<string>();

  read(line: string): void {
    // Octets from 0x80 up mean nothing here, the control characters of Unicode among them. C2SP tlog-policy, "Character set"
    if (!line.isWellFormed() || /[^\P{Cc}\t\u0080-\u009f]/u.test(line)) refuse('it holds a control character');
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.readLog(words);
    else if (keyword === 'witness') this.readWitness(words);
    else if (keyword === 'group') this.readGroup(words);
    else if (keyword === 'quorum') this.readQuorum(words);
    else refuse(`${JSON.stringify(keyword)} is no word of a policy`);
  }

  private readLog([vkey, , ...more]: readonly string[]): void {
    if (vkey === undefined || more.length > 0) return refuse('a log is written "log VKEY [URL]"');
    const key = parseVerifier(vkey);
    if (this.logKeys.some((other) => equalBytes(other.publicKey, key.publicKey))) refuse('the log is named twice');
    this.logKeys.push(key);
  }

  private readWitness([alias, vkey, url, ...more]: readonly string[]): void {
    if (alias === undefined || vkey === undefined || more.length > 0) {
      return refuse('a witness is written "witness NAME VKEY [URL]"');
    }
    const key = parseCosignatureVerifier(vkey);
    // One key under two names would count twice.
    if (this.witnesses.some((other) => equalBytes(other.publicKey, key.publicKey))) refuse('the witness is named twice');
    this.name(alias, { witness: alias });
    this.witnesses.push({ ...key, alias, ...(url === undefined ? {} : { url }) });
  }

  private readGroup([group, threshold, ...names]: readonly string[]): void {
    if (group === undefined || threshold === undefined || names.length === 0) {
      return refuse('a group is written "group NAME all|any|N MEMBER…"');
    }
    const atLeast = threshold === 'all' ? names.length : threshold === 'any' ? 1 : Number(threshold);
    const isNumber = /^[1-9][0-9]*$/.test(threshold) || threshold === 'all' || threshold === 'any';
    if (!isNumber || atLeast > names.length) refuse(`${threshold} is not "all", "any" or a number from 1 to ${names.length}`);
    const of = names.map((name) => {
      const member = this.named.get(name) ?? refuse(`${name} is not defined before it`);
      // So that each witness counts in one way only.
      if (this.grouped.has(name)) refuse(`${name} is a member already`);
      this.grouped.add(name);
      return member;
    });
    this.name(group, { group, atLeast, of });
  }

  private readQuorum([name, ...more]: readonly string[]): void {
    if (name === undefined || more.length > 0) return refuse('the quorum is written "quorum NAME|none"');
    if (this.quorum !== undefined) refuse('the quorum is defined already');
    this.quorum =
      name === NONE ? { group: NONE, atLeast: 0, of: [] } : (this.named.get(name) ?? refuse(`${name} is not defined before it`));
  }

  private name(name: string, quorum: Quorum): void {
    if (name === NONE || this.named.has(name)) refuse(`the name ${name} is taken`);
    this.named.set(name, quorum);
  }
}

function refuse(why: string): never {
  throw new TlogError('policy-malformed', why);
}

function malformed(line: number, why: string): TlogError {
  return new TlogError('policy-malformed', `Line ${line} of the policy is refused: ${why.replace(/\.$/, '')}.`);
}
