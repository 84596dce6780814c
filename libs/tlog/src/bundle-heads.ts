import { attempt, lineAt, textOf, type Entry, type Fault, type Files } from './bundle-check.js';
import { BUNDLE_FILES, linesOf, type BundleManifest } from './bundle-format.js';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import type { Checkpoint } from './checkpoint.js';
import { base64, equalBytes, fromBase64, fromDecimal, fromUtf8, utf8 } from './encodings.js';
import { decodeHeader } from './entry.js';
import {
  headsDigest,
  headsMap,
  headsMapJson,
  headsTree,
  readHeadsMap,
  verifyHead,
  type HeadsMap,
  type HeadsTree,
  type SubjectHead,
} from './heads.js';
import { JsonShape, type JsonObject } from './json-shape.js';
import { leafHash, verifyInclusion, type Hash } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** Type of the entries whose `sha256` is the digest of a heads map. */
const HEADS_TYPE = 'log.heads';

/** No entry about the bundle's subjects was left out of the log's first `size` entries. */
export interface Completeness {
  readonly size: bigint;
  /** When the log was told: the time of the 'log.heads' entry. */
  readonly at: string;
}

const entryShape = new JsonShape('heads-malformed', 'first line of heads.jsonl');
const lineShape = new JsonShape('heads-malformed', 'line of heads.jsonl');

/**
 * Text of heads.jsonl. `entry` is the 'log.heads' entry with its inclusion proof in the tree of the bundle's checkpoint, `heads` the whole map
 * as of `size`, sorted by subject. @throws TlogError when a subject has no head, or the entry is of another map.
 */
export function bundleHeads(args: {
  readonly entry: { readonly index: bigint; readonly header: Uint8Array; readonly hashes: readonly Hash[] };
  readonly size: bigint;
  readonly heads: readonly SubjectHead[];
  /** That of `heads`, where it was made already. */
  readonly tree?: HeadsTree;
  readonly subjects: readonly string[];
}): string {
  const { entry, size, heads, subjects } = args;
  const tree = args.tree ?? headsTree(heads);
  const map = headsMap(size, heads, tree);
  if (decodeHeader(entry.header).sha256 !== headsDigest(map)) {
    throw new TlogError('heads-malformed', 'The entry is not of this map.');
  }
  const first = {
    index: entry.index.toString(),
    header: fromUtf8(entry.header),
    hashes: entry.hashes.map(base64),
    map: headsMapJson(map),
  };
  const lines = subjects.map((subject) => {
    const position = positionOf(subject, heads);
    const head = heads[position];
    if (head?.subject !== subject) throw new TlogError('heads-malformed', `The map holds no head of ${subject}.`);
    const { seq, index, head: leaf } = head;
    return { subject, seq, index, head: leaf, position: position.toString(), hashes: tree.proof(position).map(base64) };
  });
  return [first, ...lines].map((line) => `${canonicalize(line)}\n`).join('');
}

/** Where the subject stands or would stand. Halving: a map has every subject of the log, and is made between requests. */
function positionOf(subject: string, sorted: readonly SubjectHead[]): number {
  let [first, end] = [0, sorted.length];
  while (first < end) {
    const middle = Math.floor((first + end) / 2);
    if ((sorted[middle]?.subject ?? '') < subject) first = middle + 1;
    else end = middle;
  }
  return first;
}

export function checkHeads(
  files: Files,
  entries: readonly Entry[],
  manifest: BundleManifest,
  checkpoint: Checkpoint,
  fault: Fault,
): { detail: string; value?: Completeness } {
  if (manifest.headsEntry === undefined) {
    fault(BUNDLE_FILES.heads, 'The file is there, though bundle.json names no entry for it.');
    return { detail: '' };
  }
  const wanted = manifest.headsEntry;
  const [first, ...lines] = attempt(fault, BUNDLE_FILES.heads, () => linesOf(textOf(files, BUNDLE_FILES.heads))) ?? [];
  const where = lineAt(BUNDLE_FILES.heads, 0);
  const logged = first === undefined ? undefined : attempt(fault, where, () => readMapEntry(first, wanted, manifest, checkpoint));
  if (logged === undefined) return { detail: '' };
  if (lines.length !== manifest.subjects.length) {
    fault(BUNDLE_FILES.heads, `There are ${lines.length} heads for ${manifest.subjects.length} subjects.`);
  }
  manifest.subjects.forEach((subject, i) => {
    const line = lines[i];
    if (line === undefined) return;
    const at = lineAt(BUNDLE_FILES.heads, i + 1);
    const head = attempt(fault, at, () => readHead(line, subject, logged.map));
    const last = entries.findLast(({ index, header }) => header.subject === subject && index < logged.map.size);
    if (head && !isHead(last, head)) {
      fault(
        at,
        `The log's map of heads has entry ${head.index} as the last about ${subject}, the bundle has ${last?.index ?? 'none'}.`,
      );
    }
  });
  const { map, time } = logged;
  return {
    detail: `By the log's own map of ${time} no entry was left out among its first ${map.size}.`,
    value: { size: map.size, at: time },
  };
}

function readMapEntry(
  line: string,
  wanted: Hash,
  manifest: BundleManifest,
  checkpoint: Checkpoint,
): { map: HeadsMap; time: string } {
  const o = entryShape.object(parseCanonical(line), ['index', 'header', 'hashes', 'map']);
  const index = decimal(entryShape, o, 'index');
  const bytes = utf8(entryShape.text(o, 'header', (text) => text !== '', 'the text of an entry header'));
  const header = decodeHeader(bytes);
  const map = readHeadsMap(o['map']);
  const leaf = leafHash(bytes);
  if (!equalBytes(leaf, wanted)) return entryShape.refuse('the entry is not the one that bundle.json names');
  if (header.log !== manifest.log || header.type !== HEADS_TYPE)
    return entryShape.refuse(`the entry is no ${HEADS_TYPE} of this log`);
  if (header.sha256 !== headsDigest(map)) return entryShape.refuse('the map is not the one that the entry names');
  if (map.size > index) return entryShape.refuse('the map speaks of entries after its own');
  verifyInclusion({ index, size: checkpoint.size, leaf, proof: hashes(entryShape, o), root: checkpoint.root });
  return { map, time: header.at };
}

function readHead(line: string, subject: string, map: HeadsMap): SubjectHead {
  const o = lineShape.object(parseCanonical(line), ['subject', 'seq', 'index', 'head', 'position', 'hashes']);
  const head = {
    subject: lineShape.literal(o, 'subject', subject),
    seq: lineShape.integer(o, 'seq', 0),
    index: decimal(lineShape, o, 'index').toString(),
    head: lineShape.base64Hash(o, 'head'),
  };
  verifyHead(head, decimal(lineShape, o, 'position'), map.subjects, hashes(lineShape, o), map.root);
  return head;
}

function isHead(entry: Entry | undefined, { seq, index, head }: SubjectHead): boolean {
  return entry !== undefined && entry.header.seq === seq && entry.index.toString() === index && base64(entry.leaf) === head;
}

function decimal(shape: JsonShape, from: JsonObject, key: string): bigint {
  return fromDecimal(shape.text(from, key, (text) => text !== '', 'a decimal number'));
}

function hashes(shape: JsonShape, from: JsonObject): Hash[] {
  return shape.list(from, 'hashes').map((hash: Json) => {
    return typeof hash === 'string' ? fromBase64(hash, 32) : shape.refuse('hashes holds something that is not text');
  });
}
