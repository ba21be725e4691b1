/**
 * The part of a plan that says which network is trained and with which loss: plain JSON, meant to be read and edited.
 * `networks/` builds the network, `losses/` the loss. Axis order of every triple: `[z, y, x]`.
 */
import { z } from 'zod';

const size = z.int().min(1);
const triple = z.tuple([size, size, size]).readonly();

export const networkSpecSchema = z
  .strictObject({
    /**
     * `unet`: Ronneberger 2015 / Cicek 2016 with the choices of nnU-Net. `residual-encoder-unet`: nnU-Net's ResEnc
     * (Isensee 2024). `segresnet`: Myronenko 2018 without the auto-encoder branch.
     */
    kind: z.enum(['unet', 'residual-encoder-unet', 'segresnet']),
    inputChannels: size.default(1),
    /** Output channels, background included. */
    classes: z.int().min(2).max(256),
    /** Channels of each level, finest first; its length is the depth. */
    channels: z.array(size).min(1).readonly(),
    /** By how much each level is coarser than the one before; the first is `[1, 1, 1]`. */
    strides: z.array(triple).min(1).readonly(),
    /** Of the convolutions of each level; odd numbers. */
    kernelSizes: z
      .array(triple.refine((kernel) => kernel.every((n) => n % 2 === 1), { error: 'kernel sizes must be odd' }))
      .min(1)
      .readonly(),
    /** Convolutions (unet) or residual blocks (the others) of each level on the way down. */
    blocksPerLevel: z.array(size).min(1).readonly(),
    /** The same on the way up, finest first, one fewer. Default: as on the way down (unet), else 1. */
    decoderBlocksPerLevel: z.array(size).readonly().optional(),
    norm: z.enum(['instance', 'group', 'batch', 'none']).default('instance'),
    normEpsilon: z.number().positive().default(1e-5),
    /** Groups of the group norm; must divide every level's channels. */
    normGroups: size.default(8),
    activation: z.enum(['relu', 'leaky-relu', 'prelu', 'elu', 'gelu', 'silu', 'mish']).default('leaky-relu'),
    /** Slope below zero: of the leaky ReLU, and where the parametric ReLU starts. */
    negativeSlope: z.number().min(0).max(1).default(0.01),
    /** Whether the convolutions before a norm add a bias (nnU-Net does; a norm that centres makes it vanish). */
    convolutionBias: z.boolean().default(false),
    downSampling: z.enum(['strided-convolution', 'max-pool']).default('strided-convolution'),
    /** `nearest` and `linear` are followed by a 1x1x1 convolution (segresnet: preceded, as MONAI does). */
    upSampling: z.enum(['transposed-convolution', 'nearest', 'linear']).default('transposed-convolution'),
    /** Adds outputs `logits_1`, `logits_2`, ... at the coarser levels of the way up (Lee 2015). */
    deepSupervision: z.boolean().default(false),
  })
  .superRefine((spec, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    const levels = spec.channels.length;
    for (const name of ['strides', 'kernelSizes', 'blocksPerLevel'] as const) {
      if (spec[name].length !== levels) refuse(name, `needs one entry a level: ${levels}`);
    }
    if (spec.decoderBlocksPerLevel !== undefined && spec.decoderBlocksPerLevel.length !== levels - 1) {
      refuse('decoderBlocksPerLevel', `needs one entry a level but the coarsest: ${levels - 1}`);
    }
    if (spec.strides[0]?.some((n) => n !== 1)) refuse('strides', 'the first level has the stride [1, 1, 1]');
    if (spec.norm === 'group' && spec.channels.some((n) => n % spec.normGroups !== 0)) {
      refuse('normGroups', 'must divide the channels of every level');
    }
  });
export type NetworkSpec = z.infer<typeof networkSpecSchema>;
/** What a person has to write; the rest has defaults. */
export type NetworkSpecInput = z.input<typeof networkSpecSchema>;

const weight = z.number().positive().default(1);
/** Whether background counts as a class, and whether overlap is counted over the whole batch instead of each patch. */
const overlapOptions = { background: z.boolean().default(false), batch: z.boolean().default(true) };

const lossTermSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('dice'),
    weight,
    ...overlapOptions,
    /** Added to numerator and denominator. */
    smooth: z.number().positive().default(1e-5),
    /** Squares in the denominator, as in Milletari 2016; nnU-Net has none. */
    squared: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('cross-entropy'), weight }),
  z.strictObject({ kind: z.literal('focal'), weight, gamma: z.number().nonnegative().default(2) }),
  z.strictObject({
    kind: z.literal('tversky'),
    weight,
    ...overlapOptions,
    smooth: z.number().positive().default(1e-5),
    /** Weight of false positives. */
    alpha: z.number().nonnegative().default(0.3),
    /** Weight of false negatives. */
    beta: z.number().nonnegative().default(0.7),
    /** Exponent of `1 - index`: 1 is Salehi 2017, 0.75 the focal Tversky loss of Abraham 2019. */
    exponent: z.number().positive().default(1),
  }),
]);
export type LossTerm = z.infer<typeof lossTermSchema>;

export const lossSpecSchema = z.strictObject({
  /** The loss is their weighted sum. */
  terms: z.array(lossTermSchema).min(1).readonly(),
  /** One a class, background first; absent: all 1. */
  classWeights: z.array(z.number().nonnegative()).readonly().optional(),
  /** Voxels with this label count nowhere. */
  ignoreLabel: z.int().min(1).max(255).optional(),
});
export type LossSpec = z.infer<typeof lossSpecSchema>;
export type LossSpecInput = z.input<typeof lossSpecSchema>;
