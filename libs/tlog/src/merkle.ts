import { createHash } from 'node:crypto';
import { equalBytes } from './encodings.js';
import { TlogError } from './tlog-error.js';

/** 32 bytes, SHA-256. */
export type Hash = Uint8Array;

export function sha256(...parts: readonly Uint8Array[]): Hash {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Root of the tree without leaves: SHA-256 of nothing. RFC 6962 §2.1 */
export const EMPTY_ROOT: Hash = sha256();

/** SHA-256(0x00 || data). RFC 6962 §2.1 */
export function leafHash(data: Uint8Array): Hash {
  return sha256(LEAF, data);
}

/** SHA-256(0x01 || left || right). RFC 6962 §2.1 @throws TlogError unless both have 32 bytes. */
export function nodeHash(left: Hash, right: Hash): Hash {
  return sha256(NODE, hashOf32(left), hashOf32(right));
}

/**
 * All that is needed of a tree to append to it: its size and the roots of its perfect subtrees ("peaks"), largest
 * (leftmost) first, one for each bit set in `size`.
 */
export interface CompactRange {
  readonly size: bigint;
  readonly nodes: readonly Hash[];
}

export const EMPTY_RANGE: CompactRange = { size: 0n, nodes: [] };

/**
 * The range with one more leaf (a leaf hash). `visit` is called for every node that became complete, the leaf
 * (level 0) first, then upwards. @throws TlogError when the range is not one.
 */
export function extend(
  range: CompactRange,
  leaf: Hash,
  visit?: (level: number, index: bigint, hash: Hash) => void,
): CompactRange {
  assertRange(range);
  const nodes = [...range.nodes];
  let hash = hashOf32(leaf);
  let index = range.size;
  let level = 0;
  visit?.(level, index, hash);
  for (; isOdd(index); index >>= 1n) {
    const left = nodes.pop();
    if (left === undefined) throw malformedRange();
    hash = nodeHash(left, hash);
    level += 1;
    visit?.(level, index >> 1n, hash);
  }
  return { size: range.size + 1n, nodes: [...nodes, hash] };
}

/** Root of the tree that the range stands for. RFC 6962 §2.1 */
export function rootOf(range: CompactRange): Hash {
  assertRange(range);
  if (range.size === 0n) return EMPTY_ROOT;
  return range.nodes.reduceRight((right, left) => nodeHash(left, right));
}

/** Hash of the complete (perfect) node `index` of `level`: the root of the leaves [index·2^level, (index+1)·2^level). */
export type ReadNode = (level: number, index: bigint) => Promise<Hash> | Hash;

/** Audit path of the leaf `index` in the tree of `size` leaves, from the leaf's sibling up. RFC 6962 §2.1.1 @throws TlogError unless 0 ≤ index < size */
export async function inclusionProof(index: bigint, size: bigint, readNode: ReadNode): Promise<Hash[]> {
  if (index < 0n || index >= size) throw new TlogError('out-of-range', `A tree of ${size} leaves has no leaf ${index}.`);
  const proof: Hash[] = [];
  let start = 0n;
  let end = size;
  while (end - start > 1n) {
    const middle = start + leftWidth(end - start);
    if (index < middle) {
      proof.push(await rootBetween(middle, end, readNode));
      end = middle;
    } else {
      proof.push(await rootBetween(start, middle, readNode));
      start = middle;
    }
  }
  return proof.reverse();
}

/** Proof that the tree of `newSize` begins with the tree of `oldSize`; empty when they are equal or the old one was empty. RFC 6962 §2.1.2 @throws TlogError unless 0 ≤ oldSize ≤ newSize */
export async function consistencyProof(oldSize: bigint, newSize: bigint, readNode: ReadNode): Promise<Hash[]> {
  if (oldSize < 0n || oldSize > newSize) {
    throw new TlogError('out-of-range', `A tree of ${newSize} leaves does not begin with one of ${oldSize}.`);
  }
  if (oldSize === 0n) return [];
  const proof: Hash[] = [];
  let start = 0n;
  let end = newSize;
  while (end !== oldSize) {
    const middle = start + leftWidth(end - start);
    if (oldSize <= middle) {
      proof.push(await rootBetween(middle, end, readNode));
      end = middle;
    } else {
      proof.push(await rootBetween(start, middle, readNode));
      start = middle;
    }
  }
  // Where the old tree is itself a node of the new one the verifier knows its root already.
  if (start !== 0n) proof.push(await rootBetween(start, end, readNode));
  return proof.reverse();
}

/** RFC 9162 §2.1.3.2 @throws TlogError 'proof-invalid' unless `leaf` is leaf `index` of the tree of `size` leaves with that root. */
export function verifyInclusion(args: { index: bigint; size: bigint; leaf: Hash; proof: readonly Hash[]; root: Hash }): void {
  const { index, size, leaf, proof, root } = args;
  if (index < 0n || index >= size) throw new TlogError('proof-invalid', `A tree of ${size} leaves has no leaf ${index}.`);
  let node = index;
  let last = size - 1n;
  let hash = hashOf32(leaf);
  for (const sibling of proof) {
    if (last === 0n) throw new TlogError('proof-invalid', 'The inclusion proof is too long.');
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      // A last node without a right sibling is the same hash on every level until it is somebody's right child.
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new TlogError('proof-invalid', 'The inclusion proof is too short.');
  if (!equalBytes(hash, hashOf32(root))) throw new TlogError('proof-invalid', 'The inclusion proof leads to another root.');
}

/** RFC 9162 §2.1.4.2 @throws TlogError 'proof-invalid' unless the tree of `newSize` with `newRoot` begins with the tree of `oldSize` with `oldRoot`. */
export function verifyConsistency(args: {
  oldSize: bigint;
  newSize: bigint;
  oldRoot: Hash;
  newRoot: Hash;
  proof: readonly Hash[];
}): void {
  const { oldSize, newSize, proof } = args;
  const oldRoot = hashOf32(args.oldRoot);
  const newRoot = hashOf32(args.newRoot);
  if (oldSize < 0n || oldSize > newSize) throw new TlogError('proof-invalid', `The log shrank from ${oldSize} to ${newSize}.`);
  if (oldSize === 0n && !equalBytes(oldRoot, EMPTY_ROOT)) {
    throw new TlogError('proof-invalid', 'The root of an empty tree is not SHA-256 of nothing.');
  }
  if (oldSize === 0n || oldSize === newSize) {
    if (proof.length > 0) throw new TlogError('proof-invalid', 'The consistency proof must be empty here.');
    if (oldSize === newSize && !equalBytes(oldRoot, newRoot)) {
      throw new TlogError('proof-invalid', `Two different roots were given for size ${oldSize}.`);
    }
    return;
  }
  const [first, ...rest] = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (first === undefined) throw new TlogError('proof-invalid', 'The consistency proof is too short.');
  let node = oldSize - 1n;
  let last = newSize - 1n;
  for (; isOdd(node); node >>= 1n) last >>= 1n;
  let oldHash = hashOf32(first);
  let newHash = oldHash;
  for (const sibling of rest) {
    if (last === 0n) throw new TlogError('proof-invalid', 'The consistency proof is too long.');
    if (isOdd(node) || node === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new TlogError('proof-invalid', 'The consistency proof is too short.');
  if (!equalBytes(oldHash, oldRoot)) throw new TlogError('proof-invalid', 'The consistency proof leads to another old root.');
  if (!equalBytes(newHash, newRoot)) throw new TlogError('proof-invalid', 'The consistency proof leads to another new root.');
}

/** Root of the leaves [start, end), where `start` is where RFC 6962's splitting puts it: a multiple of the first part's width. */
async function rootBetween(start: bigint, end: bigint, readNode: ReadNode): Promise<Hash> {
  const width = end - start;
  if (isPowerOfTwo(width)) {
    const level = width.toString(2).length - 1;
    return hashOf32(await readNode(level, start >> BigInt(level)));
  }
  const middle = start + leftWidth(width);
  return nodeHash(await rootBetween(start, middle, readNode), await rootBetween(middle, end, readNode));
}

/** The largest power of two below `width` (at least 2). RFC 6962 §2.1 calls it k. */
function leftWidth(width: bigint): bigint {
  return 1n << BigInt((width - 1n).toString(2).length - 1);
}

function isOdd(n: bigint): boolean {
  return (n & 1n) === 1n;
}

/** Of a number from 1. */
function isPowerOfTwo(n: bigint): boolean {
  return (n & (n - 1n)) === 0n;
}

function assertRange({ size, nodes }: CompactRange): void {
  if (size < 0n || size.toString(2).replaceAll('0', '').length !== nodes.length) throw malformedRange();
}

function malformedRange(): TlogError {
  return new TlogError('out-of-range', 'A compact range has one node for each bit set in its size.');
}

function hashOf32(hash: Hash): Hash {
  if (hash.length !== 32) throw new TlogError('hash-malformed', `A hash has 32 bytes, not ${hash.length}.`);
  return hash;
}
