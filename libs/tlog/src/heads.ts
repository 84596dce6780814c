import { canonicalize, type Json } from './canonical-json.js';
import { base64, fromBase64, fromDecimal, hex, utf8 } from './encodings.js';
import { JsonShape } from './json-shape.js';
import { EMPTY_ROOT, leafHash, nodeHash, sha256, verifyInclusion, type Hash } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** Where the chain of one subject ended at some size of the log. */
export interface SubjectHead {
  /** UUID. */
  readonly subject: string;
  /** Of the subject's last entry. */
  readonly seq: number;
  /** Its place in the log, decimal. */
  readonly index: string;
  /** Its leaf hash, base64. */
  readonly head: string;
}

/** What a 'log.heads' entry vouches for: the heads of every subject among the first `size` entries of the log. */
export interface HeadsMap {
  readonly size: bigint;
  /** How many subjects, and so the leaves of the map. */
  readonly subjects: bigint;
  readonly root: Hash;
}

const FORMAT = 'custodiet/heads/v1';
const shape = new JsonShape('heads-malformed', 'head');
const mapShape = new JsonShape('heads-malformed', 'heads map');

/** @throws TlogError unless sorted strictly by subject, and every head lies below `size`. */
export function headsMap(size: bigint, sorted: readonly SubjectHead[], tree: HeadsTree = headsTree(sorted)): HeadsMap {
  const beyond = sorted.find(({ index }) => fromDecimal(index) >= size);
  if (beyond !== undefined) throw new TlogError('heads-malformed', `The head of ${beyond.subject} is not below ${size}.`);
  return { size, subjects: BigInt(sorted.length), root: tree.root };
}

/** JCS { format: "custodiet/heads/v1", root, size, subjects }. */
export function headsMapJson({ size, subjects, root }: HeadsMap): Json {
  return { format: FORMAT, size: size.toString(), subjects: subjects.toString(), root: base64(root) };
}

/** @throws TlogError 'heads-malformed' */
export function readHeadsMap(value: Json | undefined): HeadsMap {
  const o = mapShape.object(value, ['format', 'size', 'subjects', 'root']);
  mapShape.literal(o, 'format', FORMAT);
  return {
    size: fromDecimal(mapShape.text(o, 'size', (text) => text !== '', 'a decimal number')),
    subjects: fromDecimal(mapShape.text(o, 'subjects', (text) => text !== '', 'a decimal number')),
    root: fromBase64(mapShape.base64Hash(o, 'root'), 32),
  };
}

/** Lowercase hexadecimal SHA-256 of the map's JCS: what the 'log.heads' entry has as its `sha256`. */
export function headsDigest(map: HeadsMap): string {
  return hex(sha256(utf8(canonicalize(headsMapJson(map)))));
}

/** Leaf of a heads map: leafHash of JCS { head, index, seq, subject }. @throws TlogError 'heads-malformed' */
export function headLeaf({ subject, seq, index, head }: SubjectHead): Hash {
  const o = { subject, seq, index, head };
  shape.uuid(o, 'subject');
  shape.integer(o, 'seq', 0);
  shape.base64Hash(o, 'head');
  fromDecimal(index);
  return leafHash(utf8(canonicalize(o)));
}

/** The map's tree: every hash in it is computed once, however many proofs are asked for. */
export interface HeadsTree {
  readonly root: Hash;
  /** Audit path of the head at `position`, from the leaf's sibling up. RFC 6962 §2.1.1 @throws TlogError 'out-of-range' */
  proof(position: number): readonly Hash[];
}

/** RFC 6962 §2.1 over `headLeaf` of every subject. @throws TlogError unless sorted strictly by subject. */
export function headsTree(sorted: readonly SubjectHead[]): HeadsTree {
  const leaves = leavesOf(sorted);
  const known = new Map<string, Hash>();
  const between = (start: number, end: number): Hash => {
    const leaf = leaves[start];
    if (leaf === undefined) return EMPTY_ROOT;
    if (end - start === 1) return leaf;
    const key = `${start} ${end}`;
    const middle = start + leftWidth(end - start);
    const hash = known.get(key) ?? nodeHash(between(start, middle), between(middle, end));
    known.set(key, hash);
    return hash;
  };
  return {
    root: between(0, leaves.length),
    proof: (position) => {
      if (!Number.isSafeInteger(position) || position < 0 || position >= leaves.length) {
        throw new TlogError('out-of-range', `A map of ${leaves.length} heads has none at ${position}.`);
      }
      const path: Hash[] = [];
      let [start, end] = [0, leaves.length];
      while (end - start > 1) {
        const middle = start + leftWidth(end - start);
        if (position < middle) {
          path.push(between(middle, end));
          end = middle;
        } else {
          path.push(between(start, middle));
          start = middle;
        }
      }
      return path.reverse();
    },
  };
}

/** Root of the map. @throws TlogError unless sorted strictly by subject. */
export function headsRoot(sorted: readonly SubjectHead[]): Hash {
  return headsTree(sorted).root;
}

/** Audit path of one head; for more of them make a `headsTree`. @throws TlogError */
export function headProof(sorted: readonly SubjectHead[], position: number): readonly Hash[] {
  return headsTree(sorted).proof(position);
}

/** @throws TlogError 'proof-invalid' unless the map of `size` heads with this root holds `head` at `position`. RFC 9162 §2.1.3.2 */
export function verifyHead(head: SubjectHead, position: bigint, size: bigint, proof: readonly Hash[], root: Hash): void {
  verifyInclusion({ index: position, size, leaf: headLeaf(head), proof, root });
}

function leavesOf(sorted: readonly SubjectHead[]): Hash[] {
  sorted.forEach(({ subject }, i) => {
    const before = sorted[i - 1];
    // A subject that stood there twice could be shown with either head.
    if (before !== undefined && before.subject >= subject) {
      throw new TlogError('heads-malformed', `The heads are not sorted by subject at ${subject}.`);
    }
  });
  return sorted.map(headLeaf);
}

/** The largest power of two below `width` (at least 2). RFC 6962 §2.1 calls it k. */
function leftWidth(width: number): number {
  return 2 ** (31 - Math.clz32(width - 1));
}
