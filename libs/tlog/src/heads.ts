import { createHash, type Hash as Hasher } from 'node:crypto';
import { canonicalize, type Json } from './canonical-json.js';
import { base64, fromBase64, fromDecimal, hex, utf8 } from './encodings.js';
import { JsonShape, UUID } from './json-shape.js';
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
const HASH_BYTES = 32;
const shape = new JsonShape('heads-malformed', 'head');
const mapShape = new JsonShape('heads-malformed', 'heads map');
/** 32 bytes; the last digit has no bit that decoding would drop. RFC 4648 §3.5 */
const HASH_BASE64 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** @throws TlogError unless sorted strictly by subject, and every head lies below `size`. */
export function headsMap(size: bigint, sorted: readonly SubjectHead[], tree: HeadsTree = headsTree(sorted)): HeadsMap {
  // The tree took each index for a decimal already, and those compare by length first: a number for each of a million took a quarter second.
  const limit = size.toString();
  const beyond = sorted.find(({ index }) => index.length > limit.length || (index.length === limit.length && index >= limit));
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

/** Leaf of a heads map: leafHash of JCS { head, index, seq, subject }. @throws TlogError */
export function headLeaf(head: SubjectHead): Hash {
  return leafHash(utf8(headText(head)));
}

/** Not by `canonicalize`, because a map has one for every subject of the log: what passes here holds nothing that JSON escapes. */
function headText({ subject, seq, index, head }: SubjectHead): string {
  if (!UUID.test(subject)) shape.refuse('subject is not a lowercase UUID');
  if (!Number.isSafeInteger(seq) || seq < 0 || Object.is(seq, -0)) shape.refuse('seq is not an integer of at least 0');
  if (!HASH_BASE64.test(head)) shape.refuse('head is not 32 bytes in base64');
  fromDecimal(index);
  return `{"head":"${head}","index":"${index}","seq":${seq},"subject":"${subject}"}`;
}

/** Hashes in one piece of memory: two for every subject of the log would, as objects, cost more than it takes to compute them. */
class HashList {
  length = 0;
  private bytes = Buffer.alloc(64 * HASH_BYTES);

  push(hash: Hasher): void {
    const at = this.length * HASH_BYTES;
    if (at === this.bytes.length) this.bytes = Buffer.concat([this.bytes], 2 * at);
    // As text, which Node makes much quicker than an array.
    this.bytes.write(hash.digest('binary'), at, 'latin1');
    this.length += 1;
  }

  at(index: number): Hash {
    return new Uint8Array(this.bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
  }

  lastPair(): Uint8Array {
    return this.bytes.subarray((this.length - 2) * HASH_BYTES, this.length * HASH_BYTES);
  }
}

/**
 * The map's tree, RFC 6962 §2.1 over `headLeaf` of every subject. It takes one head at a time, so that whoever makes a large one can do
 * other things between.
 */
export class HeadsTree {
  private last = '';
  /** Of every level the nodes that no further head changes, leaves first. */
  private readonly levels: HashList[] = [];

  /** @throws TlogError 'heads-malformed' unless its subject sorts after the one before; other codes when it is no head */
  add(head: SubjectHead): void {
    // A subject that stood there twice could be shown with either head.
    if (head.subject <= this.last)
      throw new TlogError('heads-malformed', `The heads are not sorted by subject at ${head.subject}.`);
    let hash = createHash('sha256').update(`\0${headText(head)}`);
    this.last = head.subject;
    for (let level = 0; ; level += 1) {
      const nodes = (this.levels[level] ??= new HashList());
      nodes.push(hash);
      if (nodes.length % 2 === 1) return;
      hash = createHash('sha256').update('\x01').update(nodes.lastPair());
    }
  }

  /** SHA-256 of nothing when there is no head. */
  get root(): Hash {
    return this.rightEdge().at(-1) ?? EMPTY_ROOT;
  }

  /** Audit path of the head at `position`, from the leaf's sibling up. RFC 6962 §2.1.1 @throws TlogError 'out-of-range' */
  proof(position: number): readonly Hash[] {
    const size = this.levels[0]?.length ?? 0;
    if (!Number.isSafeInteger(position) || position < 0 || position >= size) {
      throw new TlogError('out-of-range', `A map of ${size} heads has none at ${position}.`);
    }
    const edge = this.rightEdge();
    return this.levels.flatMap((nodes, level) => {
      const sibling = (position >> level) ^ 1;
      return (sibling < nodes.length ? nodes.at(sibling) : sibling === nodes.length ? edge[level] : undefined) ?? [];
    });
  }

  /** Of every level the node behind its complete ones, where there is one: it stands for fewer leaves than they do. The root comes last. */
  private rightEdge(): (Hash | undefined)[] {
    const edge: (Hash | undefined)[] = [undefined];
    for (const [level, nodes] of this.levels.entries()) {
      const behind = edge[level];
      const single = nodes.length % 2 === 1 ? nodes.at(nodes.length - 1) : undefined;
      edge.push(single && behind ? nodeHash(single, behind) : (single ?? behind));
    }
    return edge;
  }
}

/** The tree of all heads at once. @throws TlogError unless sorted strictly by subject. */
export function headsTree(sorted: readonly SubjectHead[]): HeadsTree {
  const tree = new HeadsTree();
  for (const head of sorted) tree.add(head);
  return tree;
}

/** @throws TlogError 'proof-invalid' unless the map of `size` heads with this root holds `head` at `position`. RFC 9162 §2.1.3.2 */
export function verifyHead(head: SubjectHead, position: bigint, size: bigint, proof: readonly Hash[], root: Hash): void {
  verifyInclusion({ index: position, size, leaf: headLeaf(head), proof, root });
}
