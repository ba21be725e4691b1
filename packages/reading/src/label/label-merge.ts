/**
 * Two labels that were drawn on one parent, made one: where they changed different structures, and no voxel differently. All
 * else is for a person.
 */

export type Merge =
  | { readonly kind: 'merged'; readonly layers: readonly Uint8Array[] }
  /** Structures that both changed, and how many voxels each wants otherwise. */
  | { readonly kind: 'conflict'; readonly structures: readonly number[]; readonly voxels: number };

export interface MergeSides {
  /** Voxels by layer, all on one grid. */
  readonly parent: readonly Uint8Array[];
  readonly ours: readonly Uint8Array[];
  readonly theirs: readonly Uint8Array[];
}

export function mergeLabels({ parent, ours, theirs }: MergeSides): Merge {
  const [byUs, byThem] = [new Uint8Array(256), new Uint8Array(256)];
  let disputed = 0;
  const layers = parent.map((base, layer) => {
    const [a, b] = [ours[layer]!, theirs[layer]!];
    const merged = new Uint8Array(base.length);
    for (let at = 0; at < base.length; at++) {
      const [was, one, other] = [base[at]!, a[at]!, b[at]!];
      if (one !== was) byUs[was] = byUs[one] = 1;
      if (other !== was) byThem[was] = byThem[other] = 1;
      if (one !== was && other !== was && one !== other) disputed++;
      merged[at] = one !== was ? one : other;
    }
    return merged;
  });
  const structures: number[] = [];
  // Background is nobody's.
  for (let number = 1; number < 256; number++) if (byUs[number] === 1 && byThem[number] === 1) structures.push(number);
  // The same change made twice is none of both.
  const isSame = ours.every((voxels, layer) => sameVoxels(voxels, theirs[layer]!));
  if (isSame || (structures.length === 0 && disputed === 0)) return { kind: 'merged', layers };
  return { kind: 'conflict', structures, voxels: disputed };
}

function sameVoxels(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
