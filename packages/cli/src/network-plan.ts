/** From what the sites say about their data to a plan, and to a network that fits it. */
import { type Model, weightsOf } from '@consilium/engine';
import { createRandom } from '@consilium/numerics';
import type { Json } from '@consilium/protocol';
import {
  buildNetwork,
  kidneyClasses,
  kidneyRegions,
  makePlan,
  mergeFingerprints,
  type Plan,
  parseFingerprint,
} from '@consilium/training';

export interface PlanChoices {
  readonly memoryBudgetMb: number;
  readonly size: 'small' | 'full';
  readonly normaliseByPhase?: boolean;
  /** A network that is clicked on. */
  readonly interactive?: boolean;
}

export function planFor(fingerprints: readonly Json[], choices: PlanChoices): Plan {
  return makePlan(mergeFingerprints(fingerprints.map((answer) => parseFingerprint(answer))), {
    ...choices,
    classes: kidneyClasses,
    regions: kidneyRegions,
  });
}

/** With random weights: the same seed gives the same. */
export function networkFor({ network, patchSize, batchSize }: Plan, seed: number): Model {
  return buildNetwork(network, { patchSize, batchSize, random: createRandom(seed, 'network') });
}

export function describePlan({ spacingMm, patchSize, network, interactive }: Plan, model: Model): string {
  const parameters = [...weightsOf(model).values()].reduce((sum, { data }) => sum + data.length, 0);
  const spacing = spacingMm.map((mm) => Number(mm.toFixed(2))).join(' × ');
  return `voxels of ${spacing} mm, patches of ${patchSize.join(' × ')}, ${network.kind} ${network.channels.join('-')}, ${(parameters / 1e6).toFixed(2)} million parameters${interactive === undefined ? '' : ', to be clicked on'}`;
}
