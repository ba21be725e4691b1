/**
 * Federated averaging: every site trains from the global weights, and the new global weights are their mean, weighted by
 * the sites' numbers of training cases (McMahan et al. 2017, Algorithm 1). With `proximalMu` > 0 each site's loss also
 * pulls towards the global weights: FedProx (Li et al. 2020, Algorithm 2); the averaging is the same.
 */
import { type EvaluatedSite, inSiteOrder, type Strategy } from './strategy.ts';
import { WeightedMean } from './weighted-mean.ts';

export function fedAvg({ proximalMu = 0 }: { readonly proximalMu?: number } = {}): Strategy {
  return {
    configureTrain: (available) => available.map((siteId) => ({ siteId, proximalMu })),
    aggregateTrain: async (trained, global) => {
      const mean = new WeightedMean(global);
      for (const site of inSiteOrder(trained)) mean.add(await site.load(), site.cases);
      return mean.mean();
    },
    configureEvaluate: (available) => available,
    aggregateEvaluate: weightedScore,
  };
}

/** Mean score over all validation cases of all sites. */
function weightedScore(evaluated: readonly EvaluatedSite[]): number | null {
  let sum = 0;
  let cases = 0;
  for (const site of inSiteOrder(evaluated)) {
    if (site.score === null) continue;
    sum += site.cases * site.score;
    cases += site.cases;
  }
  return cases === 0 ? null : sum / cases;
}
