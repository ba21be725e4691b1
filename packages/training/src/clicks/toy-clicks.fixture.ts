/** The toy cohort's plan for a network that is clicked on. */
import type { Plan } from '../plan.ts';
import { toyPlan } from '../toy-cohort.fixture.ts';
import type { InteractiveSpec } from './interactive-spec.ts';

export const toyInteractive: InteractiveSpec = {
  classes: [1, 2],
  guidance: { kind: 'gaussian', sigmaMm: 10 },
  clicksMax: 6,
  predictionsMax: 2,
  automaticProbability: 0.1,
  previousMask: { probability: 0.3, errorMm: 6 },
  evaluation: { clicks: [0, 1, 3, 5], scored: 3 },
};

export function toyClickPlan(changes: Partial<Record<keyof Plan, unknown>> = {}): Plan {
  const { network } = toyPlan();
  return toyPlan({
    // Three levels: what was clicked on has to be known all over the object.
    network: {
      ...network,
      inputChannels: 4,
      classes: 2,
      upSampling: 'nearest',
      channels: [8, 16, 32],
      strides: [...network.strides, [2, 2, 2]],
      kernelSizes: [...network.kernelSizes, [3, 3, 3]],
      blocksPerLevel: [1, 1, 1],
    },
    schedule: { kind: 'polynomial', initial: 0.005, power: 0.9, warmUpSteps: 0 },
    interactive: toyInteractive,
    ...changes,
  });
}
