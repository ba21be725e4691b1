/** Against a tree written down as the RFC defines it, and against the vectors of an implementation that many logs use. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completedNodes,
  consistencyPath,
  type Hash,
  hashLeaf,
  inclusionPath,
  type NodeReader,
  provesConsistency,
  provesInclusion,
  rootOf,
} from './merkle-tree.ts';
import vectors from './recorded/merkle-vectors.json' with { type: 'json' };

const sha256 = (...parts: Uint8Array[]): Hash => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 9162, 2.1.1, word by word. */
function naiveRoot(entries: readonly Uint8Array[]): Hash {
  if (entries.length === 0) return sha256();
  if (entries.length === 1) return sha256(Uint8Array.of(0), entries[0]!);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha256(Uint8Array.of(1), naiveRoot(entries.slice(0, k)), naiveRoot(entries.slice(k)));
}

/** Keeps whole subtrees only, as the log does. */
function grown(entries: readonly Uint8Array[]): NodeReader {
  const levels: Hash[][] = [[]];
  const read: NodeReader = (level, index) => {
    const node = levels[level]?.[index];
    if (node === undefined) throw new Error(`There is no node ${level}/${index}.`);
    return node;
  };
  for (const [index, entry] of entries.entries()) {
    const leaf = hashLeaf(entry);
    levels[0]!.push(leaf);
    for (const [above, node] of completedNodes(index, leaf, read).entries()) {
      levels[above + 1] ??= [];
      levels[above + 1]!.push(node);
    }
  }
  return read;
}

const entriesArbitrary = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 70 });

describe('the tree', () => {
  it('has the roots of the RFC, at every size', () => {
    fc.assert(
      fc.property(entriesArbitrary, (entries) => {
        const read = grown(entries);
        for (let size = 0; size <= entries.length; size++) {
          expect(Buffer.from(rootOf(size, read))).toEqual(Buffer.from(naiveRoot(entries.slice(0, size))));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('proves of every entry that it is in it, and of no other', () => {
    fc.assert(
      fc.property(entriesArbitrary, fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 20 }), (entries, a, b, other) => {
        const read = grown(entries);
        const size = 1 + (a % entries.length);
        const index = b % size;
        const path = inclusionPath(index, size, read);
        const claim = { index, size, leaf: hashLeaf(entries[index]!), path, root: naiveRoot(entries.slice(0, size)) };
        expect(provesInclusion(claim)).toBe(true);
        if (Buffer.compare(other, entries[index]!) !== 0) {
          expect(provesInclusion({ ...claim, leaf: hashLeaf(other) })).toBe(false);
        }
        expect(provesInclusion({ ...claim, path: [...path, path[0] ?? claim.leaf] })).toBe(false);
        if (path.length > 0) expect(provesInclusion({ ...claim, path: path.slice(1) })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('proves that it has grown from any earlier one, and not from one with another past', () => {
    fc.assert(
      fc.property(entriesArbitrary, fc.nat(), fc.nat(), fc.nat(), (entries, a, b, c) => {
        const second = 1 + (a % entries.length);
        const first = 1 + (b % second);
        const path = consistencyPath(first, second, grown(entries));
        const roots = {
          firstRoot: naiveRoot(entries.slice(0, first)),
          secondRoot: naiveRoot(entries.slice(0, second)),
        };
        expect(provesConsistency({ first, second, path, ...roots })).toBe(true);
        const rewritten = entries.with(c % first, Uint8Array.of(1, 2, 3, ...entries[c % first]!));
        const forged = {
          secondRoot: naiveRoot(rewritten.slice(0, second)),
          path: consistencyPath(first, second, grown(rewritten)),
        };
        expect(provesConsistency({ first, second, ...roots, ...forged })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the vectors of transparency-dev/merkle', () => {
  const bytes = (text: string): Hash => Buffer.from(text, 'base64');
  const many = (texts: readonly string[] | null): Hash[] => (texts ?? []).map(bytes);

  it('of inclusion are judged the same', () => {
    const judged = vectors.inclusion.map(({ name, leafIdx, treeSize, root, leafHash, proof }) => [
      name,
      !provesInclusion({
        ...{ index: leafIdx, size: treeSize, root: bytes(root), leaf: bytes(leafHash ?? '') },
        path: many(proof),
      }),
    ]);
    expect(judged).toEqual(vectors.inclusion.map(({ name, wantErr }) => [name, wantErr]));
    expect(judged.length).toBeGreaterThan(90);
  });

  /** Its roots are words; we take hashes only. */
  const withoutHashes = 'additional/sizes-are-equal-one-and-proof-is-empty';

  it('of consistency are judged the same', () => {
    const consistency = vectors.consistency.filter(({ name }) => name !== withoutHashes);
    const judged = consistency.map(({ name, size1, size2, root1, root2, proof }) => [
      name,
      !provesConsistency({
        ...{ first: size1, second: size2, firstRoot: bytes(root1), secondRoot: bytes(root2) },
        path: many(proof),
      }),
    ]);
    expect(judged).toEqual(consistency.map(({ name, wantErr }) => [name, wantErr]));
    expect(judged.length).toBeGreaterThan(80);
  });
});
