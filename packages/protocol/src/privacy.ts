/**
 * What a site does while it trains so that its answer says little about any one patient. A job offers it; a site may do
 * more and never does less. What it costs, the site counts itself.
 */
import { z } from 'zod';

const positive = z.number().positive();

export const privacySchema = z.discriminatedUnion('kind', [
  /** DP-SGD: every step is noisy, and no patient moves it by more than `clipNorm` (Abadi et al. 2016). */
  z.strictObject({
    kind: z.literal('dp-sgd'),
    /** C: largest norm of one patient's gradient. */
    clipNorm: positive,
    /** Standard deviation of the noise on the sum of the gradients, in units of C. */
    noiseMultiplier: positive,
    /** Probability with which a patient takes part in a step. */
    samplingRate: positive.max(1),
  }),
  /** Training is as ever; the difference to the weights that were sent is shortened and noise is added, once a round. */
  z.strictObject({
    kind: z.literal('noisy-update'),
    /** S: largest norm of the difference, over all tensors together. */
    clipNorm: positive,
    /** Standard deviation of the noise, in units of S. */
    noiseMultiplier: positive,
    /**
     * Where contributions are seen as their sum alone: so many sites add a part of the noise each, and the sum has all of
     * it. At most the threshold of the secure aggregation, and not with `adaptive`. Absent: each site adds all of it.
     */
    noiseSharedAmong: z.int().min(2).max(5000).optional(),
    /** From round to round the site moves S towards a quantile of its own norms (Andrew et al. 2021). */
    adaptive: z
      .strictObject({
        /** Share of rounds in which the difference shall be short enough as it is. */
        quantile: z.number().min(0).max(1),
        /** S changes by at most a factor of about e to the power of this in a round. */
        rate: positive.max(2),
        /** Standard deviation of the noise on whether it was short enough. */
        countNoise: positive,
      })
      .optional(),
  }),
]);
export type Privacy = z.infer<typeof privacySchema>;
export type NoisyUpdate = Extract<Privacy, { kind: 'noisy-update' }>;
