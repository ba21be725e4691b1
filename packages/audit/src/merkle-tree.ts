/**
 * The tree over the entries of a log (RFC 9162, 2.1; the same as RFC 6962): its root is a digest of all of them in their
 * order. A path of a few hashes proves that an entry is in it, and that an older tree is the beginning of a newer one.
 *
 * A whole subtree of 2^level entries is known by its level and its index from the left; `read` gives its hash. What is
 * not whole is put together from whole ones, so that everything here takes a number of reads that grows with the logarithm.
 */
import assert from 'node:assert/strict';
import { hash as digest } from 'node:crypto';

/** 32 bytes. */
export type Hash = Uint8Array;
/** The hash of the whole subtree of entries `index * 2^level` to `(index + 1) * 2^level`, without the last. */
export type NodeReader = (level: number, index: number) => Hash;

const hashBytes = 32;
/** Entries: their numbers are handled as 32 bits. */
const treeSizeMax = 2 ** 31 - 1;

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** Of an entry. */
export function hashLeaf(entry: Uint8Array): Hash {
  return sha256(leafPrefix, entry);
}

/** Of two neighbouring subtrees. */
function hashNode(left: Hash, right: Hash): Hash {
  return sha256(nodePrefix, left, right);
}

/** The whole subtrees, from small to large, that entry `index` completes: what is to be kept beside its own hash. */
export function completedNodes(index: number, leaf: Hash, read: NodeReader): Hash[] {
  const completed: Hash[] = [];
  let node = leaf;
  for (let level = 0, place = index; place % 2 === 1; level++, place = (place - 1) / 2) {
    node = hashNode(read(level, place - 1), node);
    completed.push(node);
  }
  return completed;
}

/** MTH(D[size]). Of no entries: the digest of nothing. */
export function rootOf(size: number, read: NodeReader): Hash {
  assertSize(size);
  return size === 0 ? sha256() : rangeHash(0, size, read);
}

/** PATH(index, D[size]) (2.1.3.1), from the entry upwards. */
export function inclusionPath(index: number, size: number, read: NodeReader): Hash[] {
  assertSize(size);
  assert(Number.isInteger(index) && index >= 0 && index < size, 'an entry of the tree');
  const path: Hash[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    path.push(index < middle ? rangeHash(middle, end, read) : rangeHash(start, middle, read));
    if (index < middle) end = middle;
    else start = middle;
  }
  return path.reverse();
}

/** PROOF(first, D[second]) (2.1.4.1). Empty where there is nothing to prove: for no entries and for as many. */
export function consistencyPath(first: number, second: number, read: NodeReader): Hash[] {
  assertSize(second);
  assert(Number.isInteger(first) && first >= 0 && first <= second, 'an earlier size of the tree');
  if (first === 0 || first === second) return [];
  const path: Hash[] = [];
  let [start, end] = [0, second];
  let isKnown = true; // the part of the first tree in [start, end) is that whole tree: its root need not be told
  while (first !== end) {
    const middle = start + splitOf(end - start);
    if (first <= middle) {
      path.push(rangeHash(middle, end, read));
      end = middle;
    } else {
      path.push(rangeHash(start, middle, read));
      start = middle;
      isKnown = false;
    }
  }
  if (!isKnown) path.push(rangeHash(start, end, read));
  return path.reverse();
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leaf: Hash;
  readonly path: readonly Hash[];
  readonly root: Hash;
}

/** Whether the path proves that the entry is in the tree (2.1.3.2). */
export function provesInclusion({ index, size, leaf, path, root }: InclusionClaim): boolean {
  if (!isSize(size) || !Number.isInteger(index) || index < 0 || index >= size) return false;
  if (![leaf, ...path].every(isHash)) return false;
  let [entry, last, node] = [index, size - 1, leaf];
  for (const other of path) {
    if (last === 0) return false;
    if (entry % 2 === 1 || entry === last) {
      node = hashNode(other, node);
      while (entry % 2 === 0 && entry !== 0) [entry, last] = [entry >> 1, last >> 1];
    } else {
      node = hashNode(node, other);
    }
    [entry, last] = [entry >> 1, last >> 1];
  }
  return last === 0 && isSame(node, root);
}

export interface ConsistencyClaim {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Hash;
  readonly secondRoot: Hash;
  readonly path: readonly Hash[];
}

/** Whether the path proves that the first tree, which has entries, is the beginning of the second (2.1.4.2). */
export function provesConsistency({ first, second, firstRoot, secondRoot, path }: ConsistencyClaim): boolean {
  if (!isSize(first) || !isSize(second) || first === 0 || first > second) return false;
  if (![firstRoot, ...path].every(isHash)) return false;
  if (first === second) return path.length === 0 && isSame(firstRoot, secondRoot);
  const [start, ...rest] = isPowerOfTwo(first) ? [firstRoot, ...path] : path;
  if (start === undefined || (rest.length === 0 && path.length === 0)) return false;
  let [entry, last] = [first - 1, second - 1];
  while (entry % 2 === 1) [entry, last] = [entry >> 1, last >> 1];
  let [older, newer] = [start, start];
  for (const other of rest) {
    if (last === 0) return false;
    if (entry % 2 === 1 || entry === last) {
      older = hashNode(other, older);
      newer = hashNode(other, newer);
      while (entry % 2 === 0 && entry !== 0) [entry, last] = [entry >> 1, last >> 1];
    } else {
      newer = hashNode(newer, other);
    }
    [entry, last] = [entry >> 1, last >> 1];
  }
  return last === 0 && isSame(older, firstRoot) && isSame(newer, secondRoot);
}

/** Of entries `start` to `end`, without the last; `start` is where a subtree of the next power of two begins. */
function rangeHash(start: number, end: number, read: NodeReader): Hash {
  const size = end - start;
  if (isPowerOfTwo(size)) return read(Math.log2(size), start / size);
  const middle = start + splitOf(size);
  return hashNode(rangeHash(start, middle, read), rangeHash(middle, end, read));
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  return 2 ** (31 - Math.clz32(size - 1));
}

function isPowerOfTwo(size: number): boolean {
  return (size & (size - 1)) === 0;
}

function isSize(size: number): boolean {
  return Number.isInteger(size) && size >= 0 && size <= treeSizeMax;
}

function assertSize(size: number): void {
  assert(isSize(size), 'a size of a tree');
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === hashBytes;
}

function isSame(one: Hash, other: Hash): boolean {
  return Buffer.compare(one, other) === 0;
}

function sha256(...parts: readonly Uint8Array[]): Hash {
  return digest('sha256', Buffer.concat(parts), 'buffer');
}
