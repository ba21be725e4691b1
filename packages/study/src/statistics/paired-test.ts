/**
 * Tests of paired differences, two-sided. Cases of one patient are not independent: give one difference a patient
 * (`patientMeans`). A test answers whether there is a difference at all; how large it is says `effect-size.ts`.
 */
import type { Random } from '@consilium/numerics';
import type { CaseOwner } from '../bootstrap.ts';
import { patientsBySite } from './hierarchical-bootstrap.ts';
import { type SignedRanks, signedRanks } from './signed-ranks.ts';

export interface TestResult {
  readonly p: number;
  /** Pairs that the test could use. */
  readonly pairs: number;
  readonly method: 'exact' | 'normal-approximation' | 'random-permutations' | 'no-difference';
}

/** Up to so many pairs the distribution of the signed ranks is counted out. */
const exactPairsMax = 200;
/** 2^16 signs are tried all; more are drawn. */
const exactSignsMax = 16;
const permutations = 20_000;

/**
 * Wilcoxon's signed ranks (1945), pairs without a difference dropped, ties with their mean rank. Exact given the ranks up to
 * 200 pairs, ties included; above, the normal approximation with the variance corrected for ties.
 */
export function wilcoxonTest(differences: Iterable<number>): TestResult {
  const ranks = signedRanks(differences);
  if (ranks.count === 0) return { p: 1, pairs: 0, method: 'no-difference' };
  if (ranks.count > exactPairsMax) return { p: normalP(ranks), pairs: ranks.count, method: 'normal-approximation' };
  return { p: exactP(ranks), pairs: ranks.count, method: 'exact' };
}

/** Of all 2^n signs, the share that makes the smaller rank sum as small, twice. */
function exactP({ doubled, positive, negative }: SignedRanks): number {
  const total = doubled.reduce((sum, rank) => sum + rank, 0);
  const shares = new Float64Array(total + 1);
  shares[0] = 1;
  for (const rank of doubled) {
    for (let sum = total; sum >= 0; sum--) {
      shares[sum] = 0.5 * shares[sum]! + (sum >= rank ? 0.5 * shares[sum - rank]! : 0);
    }
  }
  const smaller = Math.round(2 * Math.min(positive, negative));
  return Math.min(1, 2 * shares.subarray(0, smaller + 1).reduce((sum, share) => sum + share, 0));
}

function normalP({ count, positive, ties }: SignedRanks): number {
  const mean = (count * (count + 1)) / 4;
  const tied = ties.reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = (count * (count + 1) * (2 * count + 1)) / 24 - tied / 48;
  return 2 * normalTail(Math.abs(positive - mean) / Math.sqrt(variance));
}

/**
 * The sign-flip test of the mean (Fisher 1935): under no difference each pair's sign is as likely either way. All signs up
 * to 16 pairs, else drawn ones, themselves counted as one of them (Phipson and Smyth 2010), so that p is never 0.
 */
export function permutationTest(differences: Iterable<number>, random: Random): TestResult {
  const values = [...differences].filter((value) => !Number.isNaN(value));
  if (values.every((value) => value === 0)) return { p: 1, pairs: values.length, method: 'no-difference' };
  const observed = values.reduce((sum, value) => sum + value, 0);
  const slack = 1e-12 * values.reduce((sum, value) => sum + Math.abs(value), 0);
  const exact = values.length <= exactSignsMax;
  const tries = exact ? 2 ** values.length : permutations;
  let atLeast = 0;
  let atMost = 0;
  for (let index = 0; index < tries; index++) {
    let sum = 0;
    let bits = 0;
    for (let place = 0; place < values.length; place++) {
      if (place % 32 === 0) bits = exact ? index : random.uint32();
      sum += (bits >>> (place % 32)) & 1 ? -values[place]! : values[place]!;
    }
    if (sum >= observed - slack) atLeast += 1;
    if (sum <= observed + slack) atMost += 1;
  }
  const self = exact ? 0 : 1;
  const p = Math.min(1, (2 * (Math.min(atLeast, atMost) + self)) / (tries + self));
  return { p, pairs: values.length, method: exact ? 'exact' : 'random-permutations' };
}

/** One value a patient: the mean over the patient's cases that have one; patients without any are left out. */
export function patientMeans(owners: readonly CaseOwner[], values: ArrayLike<number>): number[] {
  return patientsBySite(owners)
    .flat()
    .map((cases) => cases.map((index) => values[index]!).filter((value) => !Number.isNaN(value)))
    .filter((own) => own.length > 0)
    .map((own) => own.reduce((sum, value) => sum + value, 0) / own.length);
}

/** P(Z > z) for z >= 0, by the continued fraction of the complementary error function (Lentz) or, near 0, its series. */
function normalTail(z: number): number {
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (z < 2) {
    let term = z;
    let sum = z;
    for (let order = 1; Math.abs(term) > 1e-17 * Math.abs(sum); order++) {
      term *= (z * z) / (2 * order + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = 0;
  for (let order = 200; order > 0; order--) fraction = order / (z + fraction);
  return density / (z + fraction);
}
