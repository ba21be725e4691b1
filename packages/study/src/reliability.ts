/**
 * What reliability counts say: of the voxels that a network gives a probability, how many the reference has. Counts are sums
 * over voxels of test cases, so that they add up over sites and runs.
 */
import type { Reliability } from '@consilium/protocol';
import { percent } from './wording.ts';

/** From low probability to high, of equal width. */
export type ReliabilityBins = Reliability[string];

/** Of the regions that any of them has, in order of name; the same whatever their order. */
export function summedReliability(all: readonly Reliability[]): Reliability {
  const names = [...new Set(all.flatMap((each) => Object.keys(each)))].sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      summedBins(all.flatMap((each) => [each[name] ?? []].filter(({ length }) => length > 0))),
    ]),
  );
}

function summedBins(all: readonly ReliabilityBins[]): ReliabilityBins {
  return all[0]!.map((_, index) => {
    const of = (field: keyof ReliabilityBins[number]) =>
      all
        .map((bins) => bins[index]![field])
        .sort((one, other) => one - other)
        .reduce((sum, value) => sum + value, 0);
    return { voxels: of('voxels'), probability: of('probability'), reference: of('reference') };
  });
}

/** A point of a reliability diagram: shares of 0 .. 1. */
export interface ReliabilityPoint {
  /** Mean over the bin's voxels. */
  readonly said: number;
  readonly right: number;
  readonly voxels: number;
}

/** Of the bins that have voxels. */
export function reliabilityPoints(bins: ReliabilityBins): ReliabilityPoint[] {
  return bins.filter(({ voxels }) => voxels > 0).map(pointOf);
}

function pointOf({ probability, reference, voxels }: ReliabilityBins[number]): ReliabilityPoint {
  return { said: probability / voxels, right: reference / voxels, voxels };
}

/** From 70 to 90 %: what a reader would call rather sure. */
const ratherSure = [7, 8] as const;
/** Of fewer voxels no share is told. */
const voxelsMin = 100;
/** Differences below it are not called any. */
const noticeable = 0.02;

/** "where it says tumour with 80 %, it is right in 71 %: it is too sure", to be put into a sentence. */
export function reliabilityPhrase(bins: ReliabilityBins, region: string, who = 'it'): string {
  const some = ratherSure.map((index) => bins[index]!);
  const sum = (field: keyof ReliabilityBins[number]) => some.reduce((total, bin) => total + bin[field], 0);
  const merged = { voxels: sum('voxels'), probability: sum('probability'), reference: sum('reference') };
  if (merged.voxels < voxelsMin) {
    return `${merged.voxels === 0 ? 'nowhere' : 'hardly anywhere'} does ${who} say ${region} with 70 to 90\u00a0%`;
  }
  const { right, said } = pointOf(merged);
  return `where ${who} says ${region} with ${percent(said)}, it is right in ${percent(right)}: ${verdictOn(said, right)}`;
}

function verdictOn(said: number, right: number): string {
  if (Math.abs(right - said) < noticeable) return 'its word can be taken';
  return right < said ? 'it is too sure' : 'it could be surer';
}
