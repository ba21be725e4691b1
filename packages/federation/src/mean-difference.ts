/**
 * How far, on average, sites have moved from the weights that they were sent: what server-side optimisers take for the
 * negative of a gradient ("pseudo-gradient"; Reddi et al. 2021, section 2).
 */
import type { TrainedSite } from './strategy.ts';
import { type Term, WeightedSum } from './weighted-sum.ts';
import type { WeightsReader } from './weights.ts';

/** The sum over sites of a factor times the difference between the site's weights and those that it started from. */
export function sumOfDifferences(
  trained: readonly TrainedSite[],
  factorOf: (site: TrainedSite, index: number) => number,
): WeightsReader {
  return new WeightedSum(
    trained.map((site, index): Term => ({ weights: site.weights, base: site.base, factor: factorOf(site, index) })),
  );
}

/** Weighted by training cases, as FedAvg weights. */
export function meanDifference(trained: readonly TrainedSite[]): WeightsReader {
  const cases = trained.reduce((sum, site) => sum + site.cases, 0);
  return sumOfDifferences(trained, (site) => site.cases / cases);
}
