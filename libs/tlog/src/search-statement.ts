import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import type { Checkpoint } from './checkpoint.js';
import { fromDecimal, hex, utf8 } from './encodings.js';
import { decodeHeader } from './entry.js';
import { JsonShape, type JsonObject } from './json-shape.js';
import { leafHash, sha256, verifyInclusion } from './merkle.js';
import { parseProof } from './tlog-proof.js';
import { TlogError } from './tlog-error.js';
import { openTrusted, type LogTrust } from './witness-policy.js';

/** That a search found no recording, with what it covered. Times RFC 3339 in UTC. */
export interface SearchStatement {
  readonly format: 'custodiet/search-statement/v1';
  /** UUID; the subject of the log entry. */
  readonly id: string;
  readonly agency: string;
  readonly madeAt: string;
  /** Roles of whoever made it. */
  readonly roles: readonly string[];
  /** What was on record: the first `size` entries of the log, decimal. */
  readonly log: { readonly origin: string; readonly size: string };
  /** What was looked for: each is a set of conditions that hold together, and none found anything. */
  readonly search: readonly Readonly<Record<string, Json>>[];
  readonly searchInWords: string;
  /** What was there to be looked at, for each set of conditions. */
  readonly coverage: readonly SearchCoverage[];
}

export interface SearchCoverage {
  /** [from, until) by true time; null is open. */
  readonly from: string | null;
  readonly until: string | null;
  /** Sealed recordings of the period, of any camera. */
  readonly onRecord: number;
  /** Those of them that say nothing of where they were made, and are found by no place. */
  readonly withoutPosition: number;
  /** Announced and not sealed, of the period and the camera if one was named. The count is complete, the list may be cut off. */
  readonly notSealedCount: number;
  readonly notSealed: readonly UnsealedRecording[];
  readonly quarantinedCount: number;
  readonly quarantined: readonly UnsealedRecording[];
  /** By serial number: the one that was named, or all that recorded in the period or miss a number in it. */
  readonly cameras: readonly CoveredCamera[];
  /** There are more cameras than are listed. */
  readonly camerasTruncated: boolean;
}

export interface UnsealedRecording {
  readonly recording: string;
  readonly camera: string | null;
  readonly state: string;
  readonly recordedAt: string;
}

export interface CoveredCamera {
  readonly serial: string;
  /** Numberings whose time touches the period, with the numbers seen. */
  readonly seen: readonly { readonly from: number; readonly to: number; readonly startedAt: string; readonly endedAt: string }[];
  readonly missingCount: number;
  /** Numbers that never came, recorded after and before these times. */
  readonly missing: readonly { readonly from: number; readonly to: number; readonly after: string; readonly before: string }[];
  /** Its numbers do not count up, and tell nothing of what is missing. */
  readonly disorderly: boolean;
}

/** A statement with the proof that it is on record. */
export interface ProvenStatement {
  readonly format: 'custodiet/proven-statement/v1';
  /** Canonical JSON of the statement, to the letter: its SHA-256 is in the entry. */
  readonly statement: string;
  /** The exact bytes, as text, of the header of the 'search.nothing-found' entry. */
  readonly header: string;
  /** C2SP tlog-proof text of that entry. */
  readonly proof: string;
}

const FORMAT = 'custodiet/search-statement/v1';
const PROVEN = 'custodiet/proven-statement/v1';
const TYPE = 'search.nothing-found';
const shape = new JsonShape('statement-malformed', 'statement');

/** Canonical JSON without a final newline. @throws TlogError 'statement-malformed' */
export function formatStatement(statement: SearchStatement): string {
  const text = canonicalize({ ...statement } as unknown as Json);
  readStatement(parseCanonical(text));
  return text;
}

/** Canonical JSON without a final newline. @throws TlogError 'statement-malformed' */
export function formatProvenStatement(proven: ProvenStatement): string {
  return canonicalize({ ...readProven({ ...proven }) });
}

/**
 * Checks a proven statement against the log's key, a policy, or both.
 * @throws TlogError 'statement-mismatch' when entry and statement do not belong together; other codes when it is malformed or not proven.
 */
export function verifyStatement(
  text: string,
  trust: LogTrust,
): {
  statement: SearchStatement;
  index: bigint;
  at: string;
  checkpoint: Checkpoint;
  cosigners: readonly { alias: string; time: Date }[];
} {
  const proven = readProven(parseCanonical(text));
  const statement = readStatement(parseCanonical(proven.statement));
  const header = decodeHeader(utf8(proven.header));
  const { index, hashes, checkpoint: note } = parseProof(proven.proof);
  const { checkpoint, cosigners } = openTrusted(note, trust);
  const digest = hex(sha256(utf8(proven.statement)));
  expectSame('The type of the log entry', header.type, TYPE);
  expectSame('The subject of the log entry', header.subject, statement.id);
  expectSame('The SHA-256 in the log entry', header.sha256, digest);
  expectSame('The log named by the entry', header.log, statement.log.origin);
  expectSame('The log that signed the checkpoint', checkpoint.origin, statement.log.origin);
  const { size, root } = checkpoint;
  verifyInclusion({ index, size, leaf: leafHash(utf8(proven.header)), proof: hashes, root });
  // It speaks of what was there before it, never of what came after.
  if (fromDecimal(statement.log.size) > index)
    throw new TlogError(
      'statement-mismatch',
      `The statement speaks of ${statement.log.size} entries, and is entry ${index} itself.`,
    );
  return { statement, index, at: header.at, checkpoint, cosigners };
}

function readProven(value: Json): ProvenStatement {
  const o = shape.object(value, ['format', 'statement', 'header', 'proof']);
  return {
    format: shape.literal(o, 'format', PROVEN),
    statement: filled(o, 'statement'),
    header: filled(o, 'header'),
    proof: filled(o, 'proof'),
  };
}

function readStatement(value: Json): SearchStatement {
  const o = shape.object(value, ['format', 'id', 'agency', 'madeAt', 'roles', 'log', 'search', 'searchInWords', 'coverage']);
  const log = shape.object(o['log'], ['origin', 'size']);
  const search = shape.list(o, 'search').map((criteria) => {
    if (typeof criteria !== 'object' || criteria === null || Array.isArray(criteria))
      shape.refuse('search is not a list of conditions');
    return criteria as Readonly<Record<string, Json>>;
  });
  const coverage = shape.list(o, 'coverage').map(readCoverage);
  if (search.length === 0 || search.length !== coverage.length) shape.refuse('it does not say what each search covered');
  return {
    format: shape.literal(o, 'format', FORMAT),
    id: shape.uuid(o, 'id'),
    agency: filled(o, 'agency'),
    madeAt: shape.instant(o, 'madeAt'),
    roles: shape.list(o, 'roles').map((role) => (typeof role === 'string' ? role : shape.refuse('roles are not words'))),
    log: {
      origin: filled(log, 'origin'),
      size: shape.text(log, 'size', /^(0|[1-9]\d{0,18})$/, 'a number of entries'),
    },
    search,
    searchInWords: filled(o, 'searchInWords'),
    coverage,
  };
}

function readCoverage(value: Json): SearchCoverage {
  const o = shape.object(value, [
    'from',
    'until',
    'onRecord',
    'withoutPosition',
    'notSealedCount',
    'notSealed',
    'quarantinedCount',
    'quarantined',
    'cameras',
    'camerasTruncated',
  ]);
  return {
    from: o['from'] === null ? null : shape.instant(o, 'from'),
    until: o['until'] === null ? null : shape.instant(o, 'until'),
    onRecord: shape.integer(o, 'onRecord', 0),
    withoutPosition: shape.integer(o, 'withoutPosition', 0),
    notSealedCount: shape.integer(o, 'notSealedCount', 0),
    notSealed: shape.list(o, 'notSealed').map(readUnsealed),
    quarantinedCount: shape.integer(o, 'quarantinedCount', 0),
    quarantined: shape.list(o, 'quarantined').map(readUnsealed),
    cameras: shape.list(o, 'cameras').map(readCamera),
    camerasTruncated: shape.flag(o, 'camerasTruncated'),
  };
}

function readUnsealed(value: Json): UnsealedRecording {
  const o = shape.object(value, ['recording', 'camera', 'state', 'recordedAt']);
  return {
    recording: shape.uuid(o, 'recording'),
    camera: o['camera'] === null ? null : filled(o, 'camera'),
    state: filled(o, 'state'),
    recordedAt: shape.instant(o, 'recordedAt'),
  };
}

function readCamera(value: Json): CoveredCamera {
  const o = shape.object(value, ['serial', 'seen', 'missingCount', 'missing', 'disorderly']);
  return {
    serial: filled(o, 'serial'),
    seen: shape.list(o, 'seen').map((each) => {
      const run = shape.object(each, ['from', 'to', 'startedAt', 'endedAt']);
      return { ...span(run), startedAt: shape.instant(run, 'startedAt'), endedAt: shape.instant(run, 'endedAt') };
    }),
    missingCount: shape.integer(o, 'missingCount', 0),
    missing: shape.list(o, 'missing').map((each) => {
      const gap = shape.object(each, ['from', 'to', 'after', 'before']);
      return { ...span(gap), after: shape.instant(gap, 'after'), before: shape.instant(gap, 'before') };
    }),
    disorderly: shape.flag(o, 'disorderly'),
  };
}

function span(from: JsonObject): { from: number; to: number } {
  return { from: shape.integer(from, 'from', 0), to: shape.integer(from, 'to', 0) };
}

function filled(from: JsonObject, key: string): string {
  return shape.text(from, key, (text) => text !== '', 'a text');
}

function expectSame(what: string, found: string | undefined, wanted: string): void {
  if (found !== wanted)
    throw new TlogError('statement-mismatch', `${what} is ${found ?? 'missing'}, the statement wants ${wanted}.`);
}
