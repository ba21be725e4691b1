/**
 * What is varied in a training patch, how often and by how much. Defaults are nnU-Net's (Isensee et al. 2021,
 * supplementary note 4; probabilities and ranges of its `nnUNetTrainer`).
 */
import { z } from 'zod';

const probability = z.number().min(0).max(1);
const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'low must not exceed high');
const positiveRange = range.refine(([low]) => low > 0, 'must be above 0');

export const augmentationSpecSchema = z.strictObject({
  /** Axes `[z, y, x]` that may be mirrored, each with probability 1/2. */
  flips: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
  /** Largest angle about the `[z, y, x]` axes, degrees, in the patient's millimetres. */
  rotation: z.strictObject({ probability, degreesMax: z.tuple([z.number(), z.number(), z.number()]) }),
  /** Factor by which the patient appears larger. */
  scaling: z.strictObject({ probability, factor: positiveRange }),
  /** Standard deviation of the noise, in units of the normalised intensity (nnU-Net's code calls it variance). */
  noise: z.strictObject({ probability, std: range.refine(([low]) => low >= 0, 'must not be negative') }),
  /** Standard deviation of the Gaussian, in voxels. */
  blur: z.strictObject({ probability, sigmaVoxels: positiveRange }),
  brightness: z.strictObject({ probability, factor: positiveRange }),
  contrast: z.strictObject({ probability, factor: positiveRange }),
  /** The patch is sampled down by this factor (nearest) and up again (linear). */
  lowResolution: z.strictObject({ probability, zoom: positiveRange.refine(([, high]) => high <= 1, 'at most 1') }),
  gamma: z.strictObject({ probability, invertedProbability: probability, exponent: positiveRange }),
});
export type AugmentationSpec = Readonly<z.infer<typeof augmentationSpecSchema>>;

/** nnU-Net's settings; `flips` and angles are the plan's to choose. */
export const standardAugmentation: AugmentationSpec = {
  flips: [true, true, true],
  rotation: { probability: 0.2, degreesMax: [30, 30, 30] },
  scaling: { probability: 0.2, factor: [0.7, 1.4] },
  noise: { probability: 0.1, std: [0, 0.1] },
  blur: { probability: 0.1, sigmaVoxels: [0.5, 1] },
  brightness: { probability: 0.15, factor: [0.75, 1.25] },
  contrast: { probability: 0.15, factor: [0.75, 1.25] },
  lowResolution: { probability: 0.125, zoom: [0.5, 1] },
  gamma: { probability: 0.3, invertedProbability: 0.1, exponent: [0.7, 1.5] },
};

/** Every probability 0: the patch as it is. */
export const noAugmentation: AugmentationSpec = {
  flips: [false, false, false],
  rotation: { probability: 0, degreesMax: [0, 0, 0] },
  scaling: { probability: 0, factor: [1, 1] },
  noise: { probability: 0, std: [0, 0] },
  blur: { probability: 0, sigmaVoxels: [0.5, 1] },
  brightness: { probability: 0, factor: [1, 1] },
  contrast: { probability: 0, factor: [1, 1] },
  lowResolution: { probability: 0, zoom: [1, 1] },
  gamma: { probability: 0, invertedProbability: 0, exponent: [1, 1] },
};
