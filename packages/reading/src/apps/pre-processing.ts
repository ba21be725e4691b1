/** What is done to an image before a model sees it, besides what the model's own plan says, as named steps of an app. */
import type { Geometry } from '@consilium/imaging';
import { z } from 'zod';

export const preStepSchema = z.discriminatedUnion('do', [
  /** HU outside are set to the nearer limit: metal, and padding that a scanner wrote around its circle. */
  z.strictObject({ do: z.literal('clip'), low: z.number(), high: z.number() }),
  /** A function of the app's own code. */
  z.strictObject({
    ...{ do: z.literal('own'), function: z.string().regex(/^[A-Za-z_]\w{0,63}$/) },
    options: z.record(z.string().max(64), z.json()).default({}),
  }),
]);

export type PreStep = z.output<typeof preStepSchema>;

/** An image of a case. */
export interface CaseImage {
  /** HU `[z, y, x]`; never written to. */
  readonly voxels: Int16Array;
  readonly geometry: Pick<Geometry, 'size' | 'spacingMm'>;
}

export function preProcess({ voxels }: CaseImage, steps: readonly Exclude<PreStep, { do: 'own' }>[]): Int16Array {
  return steps.reduce((image, { high, low }) => image.map((hu) => Math.max(low, Math.min(high, hu))), voxels);
}
