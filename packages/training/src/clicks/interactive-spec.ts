/**
 * The part of a plan that makes its network one that is clicked on: which structures, how clicks look to the network, how
 * they are made up in training, and after how many it is judged. Plain JSON, meant to be read and edited.
 */
import { z } from 'zod';

const positive = z.number().positive();
const probability = z.number().min(0).max(1);
const clicks = z.int().min(0).max(100);

const guidanceSpecSchema = z.discriminatedUnion('kind', [
  /** exp(-d^2 / 2 sigma^2), cut off at three sigma. */
  z.strictObject({ kind: z.literal('gaussian'), sigmaMm: positive }),
  /** 1 up to this far from the click, else 0. */
  z.strictObject({ kind: z.literal('disc'), radiusMm: positive }),
]);
export type GuidanceSpec = z.infer<typeof guidanceSpecSchema>;

export const interactiveSpecSchema = z
  .strictObject({
    /**
     * Values of the classes that may be clicked on. The network knows one thing, "what was clicked on": in training one of
     * them is drawn for each patch. Without any click it marks all of them together.
     */
    classes: z.array(z.int().min(1).max(255)).min(1),
    /** Lengths in mm of the plan's voxels; a view from farther away has its clicks larger. */
    guidance: guidanceSpecSchema,
    /** No training patch has more clicks. */
    clicksMax: z.int().min(1).max(100),
    /** How often in one step, at most, the network is asked how its mask looks now, to click where that is wrong. */
    predictionsMax: z.int().min(0).max(20),
    /** Share of patches without clicks and previous mask. */
    automaticProbability: probability,
    /** Share of the other patches that begin with a mask as from someone else, wrong by about so much. */
    previousMask: z.strictObject({ probability, errorMm: positive }),
    /** Mean Dice after `scored` clicks chooses between rounds; the test tells of all of `clicks`. */
    evaluation: z.strictObject({ clicks: z.array(clicks).min(1), scored: clicks }),
  })
  .superRefine(({ classes, evaluation }, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (new Set(classes).size !== classes.length) refuse('classes', 'a class is named twice');
    if (evaluation.clicks.some((count, index) => index > 0 && count <= evaluation.clicks[index - 1]!)) {
      refuse('evaluation', 'the numbers of clicks must ascend');
    }
    if (!evaluation.clicks.includes(evaluation.scored)) refuse('evaluation', 'scored must be one of clicks');
  });
export type InteractiveSpec = Readonly<z.infer<typeof interactiveSpecSchema>>;
