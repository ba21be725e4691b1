/**
 * Batches of training patches. A share of the patches is centred on a foreground voxel (nnU-Net's oversampling), rotating
 * over the classes that occur anywhere so that a rare one is seen as often as a common one; the others lie anywhere.
 * Rotation, scaling and flips are done in the same pass that cuts the patch out; the other augmentations follow. Drawing
 * takes 1 to 2 % of a step (small and full plans on two cores), so that nothing is drawn ahead in another thread.
 */
import { type Random, type Tensor, tensor } from '@consilium/numerics';
import { augmentIntensity } from './augmentation/intensity.ts';
import { cutPatch, drawSpatialTransform } from './augmentation/spatial.ts';
import type { Plan } from './plan.ts';
import type { PreparedCase } from './preprocess.ts';
import { TrainingError } from './training-error.ts';

export type SamplingPlan = Pick<Plan, 'patchSize' | 'batchSize' | 'foregroundFraction' | 'augmentation' | 'spacingMm'>;

export interface Batch {
  /** `[n, 1, z, y, x]` normalised intensities; `[n, 4, z, y, x]` with clicks and the mask so far (`clicks/click-input.ts`). */
  readonly image: Tensor<'float32'>;
  /** `[n, 1, z, y, x]` class values. */
  readonly label: Tensor<'float32'>;
  /** Of the case each patch was cut from; for the site's own log. */
  readonly caseIds: readonly string[];
}

/**
 * One batch. It depends on its arguments alone: with a `random` forked by the step's number, step 17 sees the same
 * patches whether or not training was interrupted before it.
 * @throws TrainingError `training.no-case`
 */
export function samplePatch(prepared: readonly PreparedCase[], plan: SamplingPlan, random: Random): Batch {
  if (prepared.length === 0) {
    throw new TrainingError(
      'training.no-case',
      'There is no case to train on. Add at least one case with a segmentation.',
    );
  }
  const { patchSize, batchSize } = plan;
  const voxels = patchSize[0] * patchSize[1] * patchSize[2];
  const image = tensor('float32', [batchSize, 1, ...patchSize]);
  const label = tensor('float32', [batchSize, 1, ...patchSize]);
  const classes = [...new Set(prepared.flatMap(({ foreground }) => foreground.map(({ value }) => value)))].sort(
    (a, b) => a - b,
  );
  const firstClass = classes.length === 0 ? 0 : random.integer(0, classes.length);
  const batch = random.uint32();
  const caseIds: string[] = [];
  for (let item = 0; item < batchSize; item++) {
    const own = random.fork('patch', batch, item);
    const value = own.chance(plan.foregroundFraction) ? classes[(firstClass + item) % classes.length] : undefined;
    const { source, centre } = placePatch(prepared, value, plan, own);
    const patch = {
      size: patchSize,
      image: image.data.subarray(item * voxels, (item + 1) * voxels),
      label: label.data.subarray(item * voxels, (item + 1) * voxels),
    };
    const transform = drawSpatialTransform(plan.augmentation, plan.spacingMm, own);
    cutPatch({ source, centre, transform, outside: source.outside }, patch);
    augmentIntensity(patch, plan.augmentation, own);
    caseIds.push(source.id);
  }
  return { image, label, caseIds };
}

/** A case and the voxel `[z, y, x]` on which the patch is centred. */
function placePatch(
  prepared: readonly PreparedCase[],
  value: number | undefined,
  plan: SamplingPlan,
  random: Random,
): { source: PreparedCase; centre: [number, number, number] } {
  if (value === undefined) {
    const source = random.choice(prepared);
    const along = (axis: 0 | 1 | 2) => anywhere(source.geometry.size[axis], plan.patchSize[axis], random);
    return { source, centre: [along(0), along(1), along(2)] };
  }
  const source = random.choice(prepared.filter(({ foreground }) => foreground.some((each) => each.value === value)));
  const { indices } = source.foreground.find((each) => each.value === value)!;
  const index = indices[random.integer(0, indices.length)]!;
  const [, height, width] = source.geometry.size;
  const voxel = [Math.floor(index / (height * width)), Math.floor(index / width) % height, index % width] as const;
  const along = (axis: 0 | 1 | 2) => kept(voxel[axis], source.geometry.size[axis], plan.patchSize[axis]);
  return { source, centre: [along(0), along(1), along(2)] };
}

/** A centre with which the patch lies inside the volume; the volume's middle if the patch is larger. */
function anywhere(size: number, patch: number, random: Random): number {
  return patch >= size ? Math.floor(size / 2) : random.integer(0, size - patch + 1) + Math.floor(patch / 2);
}

/** The centre nearest to `centre` with which the patch lies inside the volume. */
function kept(centre: number, size: number, patch: number): number {
  const half = Math.floor(patch / 2);
  return patch >= size ? Math.floor(size / 2) : Math.min(Math.max(centre, half), size - patch + half);
}
