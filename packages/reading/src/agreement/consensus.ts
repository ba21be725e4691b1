/** One label out of several readers': by STAPLE, structure by structure, or by majority. A starting point for a person. */
import type { Triple } from '@consilium/imaging';
import { staple } from './staple.ts';
import { croppedTo, unionBoxOf, widenedFrom } from './union-box.ts';

export type ConsensusMethod = 'staple' | 'majority';

/** How well a reader matches the consensus, by STAPLE's estimate. */
export interface ReaderPerformance {
  readonly structure: number;
  readonly sensitivity: readonly number[];
  readonly specificity: readonly number[];
}

export interface Consensus {
  readonly layers: readonly Uint8Array[];
  /** In the order of the readers; empty by majority. */
  readonly performance: readonly ReaderPerformance[];
}

/** @param readers each by layer, on one grid of `size` `[z, y, x]`. */
export function consensusOf(
  readers: readonly (readonly Uint8Array[])[],
  { method, size }: { method: ConsensusMethod; size: Triple },
): Consensus {
  const performance: ReaderPerformance[] = [];
  const layers = readers[0]!.map((_, layer) => {
    const drawn = readers.map((layersOfReader) => layersOfReader[layer]!);
    const box = unionBoxOf(drawn, size);
    if (box === undefined) return new Uint8Array(drawn[0]!.length);
    const cropped = drawn.map((voxels) => croppedTo(voxels, size, box));
    const agreed = method === 'majority' ? byMajority(cropped) : byStaple(cropped, performance);
    return widenedFrom(agreed, size, box);
  });
  return { layers, performance };
}

/** What more than half of the readers say; where no structure has that, background. */
function byMajority(drawn: readonly Uint8Array[]): Uint8Array {
  const agreed = new Uint8Array(drawn[0]!.length);
  for (let at = 0; at < agreed.length; at++) {
    for (const voxels of drawn) {
      const value = voxels[at]!;
      if (value === 0 || value === agreed[at]) continue;
      let votes = 0;
      for (const other of drawn) if (other[at] === value) votes++;
      if (votes * 2 > drawn.length) agreed[at] = value;
    }
  }
  return agreed;
}

/** The structure that is the most probable, of those that are at least as probable as not. */
function byStaple(drawn: readonly Uint8Array[], performance: ReaderPerformance[]): Uint8Array {
  const agreed = new Uint8Array(drawn[0]!.length);
  const best = new Float64Array(agreed.length);
  for (const structure of structuresIn(drawn)) {
    const masks = drawn.map((voxels) => voxels.map((value) => (value === structure ? 1 : 0)));
    const { probability, sensitivity, specificity } = staple(masks);
    performance.push({ structure, sensitivity, specificity });
    for (let at = 0; at < agreed.length; at++) {
      const chance = probability[at]!;
      if (chance < 0.5 || chance <= best[at]!) continue;
      best[at] = chance;
      agreed[at] = structure;
    }
  }
  return agreed;
}

function structuresIn(drawn: readonly Uint8Array[]): readonly number[] {
  const seen = new Uint8Array(256);
  for (const voxels of drawn) for (const value of voxels) seen[value] = 1;
  return [...seen.keys()].filter((number) => number > 0 && seen[number] === 1);
}

/**
 * Where readers disagree: of each voxel the share, in 255ths, of the pairs of readers that say different things; of several
 * layers the larger.
 */
export function disagreementMap(readers: readonly (readonly Uint8Array[])[]): Uint8Array {
  const map = new Uint8Array(readers[0]![0]!.length);
  const pairs = (readers.length * (readers.length - 1)) / 2;
  if (pairs === 0) return map;
  for (const layer of readers[0]!.keys()) {
    const drawn = readers.map((layers) => layers[layer]!);
    for (let at = 0; at < map.length; at++) {
      let different = 0;
      for (let one = 0; one < drawn.length; one++) {
        for (let other = one + 1; other < drawn.length; other++) {
          if (drawn[one]![at] !== drawn[other]![at]) different++;
        }
      }
      const share = Math.ceil((different * 255) / pairs);
      if (share > map[at]!) map[at] = share;
    }
  }
  return map;
}
