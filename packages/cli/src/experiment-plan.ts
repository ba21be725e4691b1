/** From what an experiment says of a run to the plan and the terms of its job. */

import type { StrategySpec } from '@consilium/federation';
import type { Json } from '@consilium/protocol';
import type { RunSettings } from '@consilium/study';
import { noAugmentation, type Plan, parsePlan, topologyFor } from '@consilium/training';
import { CliError } from './cli-error.ts';
import { strategyFrom } from './job-plan-command.ts';
import { planFor } from './network-plan.ts';

/** What the derived plan has is kept where the run says nothing. @throws CliError `cli.bad-experiment`; TrainingError */
export function planOf(settings: RunSettings, fingerprints: readonly Json[]): Plan {
  const { memoryBudgetMb, detail: size, normalise } = settings;
  const derived = planFor(fingerprints, { memoryBudgetMb, size, normaliseByPhase: normalise === 'by-phase' });
  const { augmentation, batchSize, learningRate, loss, optimiser } = settings;
  return parsePlan({
    ...derived,
    ...shapeOf(settings, derived),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(loss === undefined ? {} : { loss: lossOf(loss) }),
    ...(optimiser === undefined ? {} : { optimiser: optimiserOf(optimiser, derived) }),
    ...(learningRate === undefined ? {} : { schedule: { ...derived.schedule, initial: learningRate } }),
    ...(augmentation === undefined || augmentation === 'standard'
      ? {}
      : { augmentation: augmentation === 'none' ? noAugmentation : { ...derived.augmentation, ...augmentation } }),
  });
}

/** Network and patch, which have to fit each other. */
function shapeOf(settings: RunSettings, { network, patchSize, spacingMm }: Plan): Pick<Plan, 'network' | 'patchSize'> {
  const depth = settings.depth ?? network.channels.length;
  const topology = topologyFor(settings.patchSize ?? patchSize, spacingMm, depth);
  const levels = topology.strides.length;
  if (settings.depth !== undefined && levels !== depth) {
    const text = `The experiment asks for a network of ${depth} levels; patches of ${topology.patchSize.join(' × ')} voxels allow ${levels}.`;
    throw new CliError('cli.bad-experiment', text);
  }
  const first = settings.width ?? network.channels[0]!;
  const channelsMax = Math.max(first, ...network.channels);
  return {
    patchSize: topology.patchSize as Plan['patchSize'],
    network: {
      ...network,
      kind: settings.network ?? network.kind,
      channels: topology.strides.map((_, level) => Math.min(first * 2 ** level, channelsMax)),
      strides: topology.strides,
      kernelSizes: topology.kernelSizes,
      blocksPerLevel: topology.strides.map(
        (_, level) => network.blocksPerLevel[level] ?? network.blocksPerLevel.at(-1)!,
      ),
      decoderBlocksPerLevel: topology.strides.slice(1).map(() => network.decoderBlocksPerLevel?.[0] ?? 1),
    },
  };
}

function lossOf(loss: NonNullable<RunSettings['loss']>): unknown {
  return typeof loss === 'string' ? { terms: loss.split('+').map((kind) => ({ kind: kind.trim() })) } : loss;
}

/** A kind alone is with the settings that plans have: those of the derived one, or nnU-Net's and PyTorch's. */
function optimiserOf(optimiser: NonNullable<RunSettings['optimiser']>, derived: Plan): unknown {
  if (typeof optimiser !== 'string') return optimiser;
  if (derived.optimiser.kind === optimiser) return derived.optimiser;
  if (optimiser === 'sgd') return { kind: 'sgd', momentum: 0.99, nesterov: true, weightDecay: 3e-5 };
  return { kind: optimiser, ...(optimiser === 'adamw' ? { weightDecay: 0.01 } : {}) };
}

/** @throws CliError `cli.bad-option` */
export function strategyOfRun({ strategy }: RunSettings): StrategySpec {
  return strategyFrom(typeof strategy === 'string' ? strategy : JSON.stringify(strategy));
}
