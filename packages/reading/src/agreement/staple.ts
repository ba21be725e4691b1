/**
 * STAPLE: which voxels are probably inside, and how good each reader is, estimated together. Warfield, Zou and Wells,
 * "Simultaneous truth and performance level estimation", IEEE TMI 23 (2004), for one structure, with the start, the prior and
 * the end of ITK's filter.
 *
 * All voxels on which the readers vote alike have the same probability, so the estimation runs over the at most 2^readers
 * ways to vote, whatever the number of voxels.
 */
import assert from 'node:assert/strict';

export interface Staple {
  /** Of each voxel, 0 to 1. */
  readonly probability: Float64Array;
  /** By reader: of what is probably inside, the share that the reader has; of what is outside, the share left out. */
  readonly sensitivity: readonly number[];
  readonly specificity: readonly number[];
  readonly iterations: number;
}

/** Readers that can be told apart: a vote is a bit. */
const readersMax = 16;
const iterationsMax = 10_000;
/** Squared change of a reader's sensitivity or specificity below which the estimate stands, as in ITK. */
const changeMin = 1e-14;
const startPerformance = 0.99999;

/** @param masks of at least one reader and at most `readersMax`, all of one length; any value but 0 is inside. */
export function staple(masks: readonly Uint8Array[]): Staple {
  assert(masks.length >= 1 && masks.length <= readersMax);
  const { counts, votes } = votesOf(masks);
  const readers = masks.map((_, reader) => reader);
  const ways = [...counts.entries()].filter(([, count]) => count > 0);
  const total = votes.length;
  const insideOf = (way: number): number => readers.filter((reader) => (way >> reader) & 1).length;
  const weights = new Float64Array(counts.length);
  for (const [way] of ways) weights[way] = insideOf(way) / readers.length;
  const prior = ways.reduce((sum, [way, count]) => sum + weights[way]! * count, 0) / total;
  const sensitivity = readers.map(() => startPerformance);
  const specificity = readers.map(() => startPerformance);
  let iterations = 0;
  for (; iterations < iterationsMax; iterations++) {
    const moved = estimateReaders(ways, weights, { sensitivity, specificity });
    for (const [way] of ways) {
      let [inside, outside] = [prior, 1 - prior];
      for (const reader of readers) {
        const isIn = (way >> reader) & 1;
        inside *= isIn ? sensitivity[reader]! : 1 - sensitivity[reader]!;
        outside *= isIn ? 1 - specificity[reader]! : specificity[reader]!;
      }
      // All readers saying the same of every voxel leaves nothing to weigh.
      weights[way] = inside + outside === 0 ? insideOf(way) / readers.length : inside / (inside + outside);
    }
    if (iterations > 0 && !moved) break;
  }
  return { probability: Float64Array.from(votes, (way) => weights[way]!), sensitivity, specificity, iterations };
}

/** Writes each reader's performance into `out`; answers whether any changed. */
function estimateReaders(
  ways: readonly (readonly [way: number, count: number])[],
  weights: Float64Array,
  out: { readonly sensitivity: number[]; readonly specificity: number[] },
): boolean {
  let moved = false;
  for (const reader of out.sensitivity.keys()) {
    let [hits, inside, rejections, outside] = [0, 0, 0, 0];
    for (const [way, count] of ways) {
      const weight = weights[way]!;
      if ((way >> reader) & 1) hits += weight * count;
      else rejections += (1 - weight) * count;
      inside += weight * count;
      outside += (1 - weight) * count;
    }
    // A structure that nobody drew, or that fills everything, says nothing of one of the two.
    const sensitivity = inside === 0 ? startPerformance : hits / inside;
    const specificity = outside === 0 ? startPerformance : rejections / outside;
    if ((sensitivity - out.sensitivity[reader]!) ** 2 > changeMin) moved = true;
    if ((specificity - out.specificity[reader]!) ** 2 > changeMin) moved = true;
    out.sensitivity[reader] = sensitivity;
    out.specificity[reader] = specificity;
  }
  return moved;
}

/** For each voxel who says inside, a bit a reader; how many voxels there are of each. */
function votesOf(masks: readonly Uint8Array[]): { counts: Float64Array; votes: Uint16Array } {
  const votes = new Uint16Array(masks[0]!.length);
  const counts = new Float64Array(2 ** masks.length);
  for (const [reader, mask] of masks.entries()) {
    for (let at = 0; at < mask.length; at++) if (mask[at] !== 0) votes[at]! |= 1 << reader;
  }
  for (const way of votes) counts[way]!++;
  return { counts, votes };
}
