/** What does not follow from the data but from how much time and memory there is, and what the network is for. */
import type { OptimiserSpec } from '@consilium/engine';
import type { Triple } from '@consilium/imaging';
import type { AugmentationSpec } from './augmentation/augmentation-spec.ts';

export interface Preset {
  readonly spacingMmMin: number;
  readonly firstChannels: number;
  readonly channelsMax: number;
  readonly levelsMax: number;
  /** Voxels of the first patch that is tried, before memory and the patients' size shrink it. */
  readonly patchVoxels: number;
  readonly patchSize?: Triple;
  readonly batchSize: { readonly min: number; readonly max: number };
  readonly network: { readonly downSampling: 'strided-convolution' | 'max-pool'; readonly decoderBlocks: number };
  readonly optimiser: OptimiserSpec;
  readonly learningRate: number;
  readonly foregroundFraction: number;
  readonly flips: readonly [boolean, boolean, boolean];
  readonly degreesMax: readonly [number, number, number];
  /** In place of the usual. */
  readonly scaling?: AugmentationSpec['scaling'];
  readonly overlap: number;
}

const presets: Readonly<Record<'small' | 'full', Preset>> = {
  small: {
    spacingMmMin: 4,
    firstChannels: 8,
    channelsMax: 64,
    levelsMax: 4,
    patchVoxels: 16 * 32 * 32,
    patchSize: [16, 32, 32],
    batchSize: { min: 2, max: 2 },
    network: { downSampling: 'max-pool', decoderBlocks: 1 },
    // A momentum of 0.99 needs hundreds of steps to gather speed; a rehearsal has hundreds in all.
    optimiser: { kind: 'adamw', weightDecay: 0.01 },
    learningRate: 0.005,
    foregroundFraction: 0.67,
    flips: [false, false, true],
    degreesMax: [15, 10, 10],
    overlap: 0.25,
  },
  full: {
    spacingMmMin: 0,
    firstChannels: 16,
    channelsMax: 320,
    levelsMax: 6,
    patchVoxels: 256 ** 3,
    batchSize: { min: 2, max: 16 },
    network: { downSampling: 'strided-convolution', decoderBlocks: 2 },
    optimiser: { kind: 'sgd', momentum: 0.99, nesterov: true, weightDecay: 3e-5 },
    learningRate: 0.01,
    foregroundFraction: 0.33,
    flips: [true, true, true],
    degreesMax: [30, 30, 30],
    overlap: 0.5,
  },
};

/** Where an object is larger than a patch, the network looks from farther away (`clicks/click-predictor.ts`). */
const seenFromAfar = { probability: 0.5, factor: [0.5, 1.4] } satisfies AugmentationSpec['scaling'];

/** Cubes around what is clicked on; 64 a side are answered on one core in a page in 0.4 s (`bench/annotation`). */
const clickPresets: Readonly<Record<'small' | 'full', Preset>> = {
  small: {
    ...presets.small,
    patchVoxels: 32 ** 3,
    patchSize: [32, 32, 32],
    foregroundFraction: 0.9,
    scaling: seenFromAfar,
  },
  full: {
    ...presets.full,
    spacingMmMin: 1.5,
    firstChannels: 8,
    channelsMax: 64,
    levelsMax: 4,
    patchVoxels: 64 ** 3,
    patchSize: [64, 64, 64],
    batchSize: { min: 2, max: 4 },
    network: presets.small.network,
    optimiser: presets.small.optimiser,
    learningRate: 0.002,
    foregroundFraction: 0.9,
    scaling: seenFromAfar,
  },
};

export function presetFor(size: 'small' | 'full', { interactive = false }: { readonly interactive?: boolean }): Preset {
  return (interactive ? clickPresets : presets)[size];
}
