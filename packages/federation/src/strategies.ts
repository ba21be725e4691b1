/** The strategies a job can name. A new one is a file in `strategies/` and its lines here. */
import { z } from 'zod';
import { cyclic, cyclicSpec } from './strategies/cyclic.ts';
import { ditto, dittoSpec } from './strategies/ditto.ts';
import { fedAvg, fedAvgSpec, fedProxSpec } from './strategies/fed-avg.ts';
import { fedAvgM, fedAvgMSpec } from './strategies/fed-avg-m.ts';
import { fedBuff, fedBuffSpec } from './strategies/fed-buff.ts';
import { fedAdagradSpec, fedAdamSpec, fedOpt, fedYogiSpec } from './strategies/fed-opt.ts';
import { krum, krumSpec } from './strategies/krum.ts';
import { median, medianSpec } from './strategies/median.ts';
import { normBounding, normBoundingSpec } from './strategies/norm-bounding.ts';
import { partialSharing, partialSharingSpec } from './strategies/partial-sharing.ts';
import { scaffold, scaffoldSpec } from './strategies/scaffold.ts';
import { trimmedMean, trimmedMeanSpec } from './strategies/trimmed-mean.ts';
import type { Strategy } from './strategy.ts';

export const strategySpecSchema = z.discriminatedUnion('kind', [
  fedAvgSpec,
  fedProxSpec,
  fedAvgMSpec,
  fedAdamSpec,
  fedYogiSpec,
  fedAdagradSpec,
  scaffoldSpec,
  partialSharingSpec,
  dittoSpec,
  cyclicSpec,
  medianSpec,
  trimmedMeanSpec,
  krumSpec,
  normBoundingSpec,
  fedBuffSpec,
]);
export type StrategySpec = z.infer<typeof strategySpecSchema>;

export function strategyOf(spec: StrategySpec): Strategy {
  switch (spec.kind) {
    case 'fed-avg':
      return fedAvg();
    case 'fed-prox':
      return fedAvg({ proximalMu: spec.mu });
    case 'fed-avg-m':
      return fedAvgM(spec);
    case 'fed-adam':
    case 'fed-yogi':
    case 'fed-adagrad':
      return fedOpt(spec);
    case 'scaffold':
      return scaffold(spec);
    case 'partial-sharing':
      return partialSharing(spec);
    case 'ditto':
      return ditto(spec);
    case 'cyclic':
      return cyclic();
    case 'median':
      return median();
    case 'trimmed-mean':
      return trimmedMean(spec);
    case 'krum':
      return krum(spec);
    case 'norm-bounding':
      return normBounding(spec);
    case 'fed-buff':
      return fedBuff(spec);
  }
}
