/** What is done to an image before a model sees it, besides what the model's own plan says, as named steps of an app. */
import type { Geometry } from '@consilium/imaging';
import type { PreStep } from './model-step.ts';

/** An image of a case. */
export interface CaseImage {
  /** HU `[z, y, x]`; never written to. */
  readonly voxels: Int16Array;
  readonly geometry: Pick<Geometry, 'size' | 'spacingMm'>;
}

export function preProcess({ voxels }: CaseImage, steps: readonly Exclude<PreStep, { do: 'own' }>[]): Int16Array {
  return steps.reduce((image, { high, low }) => image.map((hu) => Math.max(low, Math.min(high, hu))), voxels);
}
