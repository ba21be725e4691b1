/** What a site does to what leaves it, whatever the job says: `filters` in site.yaml, in the order in which they stand there. */
import { z } from 'zod';

const positive = z.number().positive();
const share = z.number().gt(0).max(1);

export const filterSpecSchema = z.discriminatedUnion('kind', [
  /** The whole movement of the weights in a round is no longer than `norm`: scaled down to it if it is. */
  z.strictObject({ kind: z.literal('clip'), norm: positive }),
  /**
   * Only the largest movements go out: of all numbers, those below the percentile of their absolute values do not move, and
   * none moves by more than `gamma` a step (Shokri and Shmatikov 2015, doi:10.1145/2810103.2813687).
   */
  z.strictObject({ kind: z.literal('percentile'), percentile: z.number().min(0).max(100), gamma: positive }),
  /**
   * A share of the numbers moves, chosen by the sparse vector technique and made noisy (Li et al. 2019, arXiv:1910.00962;
   * Lyu, Su and Li 2017, doi:10.14778/3055330.3055331): ε of the choice, and of what goes out. No number counts as having
   * moved by more than `gamma` a step.
   */
  z.strictObject({
    kind: z.literal('sparse-vector'),
    fraction: share,
    epsilon: positive,
    releaseEpsilon: positive,
    gamma: positive,
    tau: z.number().min(0).default(1e-6),
  }),
  /** Tensors that do not move: names, `*` for any text. */
  z.strictObject({ kind: z.literal('exclude'), tensors: z.array(z.string().min(1).max(500)).min(1) }),
  /** Of each tensor, a movement is one of 2^bits - 1 even steps between the largest and its opposite. */
  z.strictObject({ kind: z.literal('quantise'), bits: z.int().min(2).max(16) }),
  /** Gaussian noise of this standard deviation on every number that moves or not. */
  z.strictObject({ kind: z.literal('noise'), deviation: positive }),
  /** Answers of these kinds do not leave; `loss`: nor does what training says of how well it goes. */
  z.strictObject({
    kind: z.literal('block'),
    contributions: z
      .array(z.enum(['train', 'evaluate', 'fingerprint', 'prepare', 'statistics', 'overlap', 'control', 'loss']))
      .min(1),
  }),
]);
export type FilterSpec = z.infer<typeof filterSpecSchema>;
export type WeightFilter = Exclude<FilterSpec, { kind: 'block' }>;
