/** The smallest training there is: five patients of 8 x 8 x 8 voxels, half of them of class 1, and a plan for them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNifti } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { noAugmentation, type Plan, parsePlan } from '@consilium/training';
import { toyVolume } from './toy-hospital.fixture.ts';

/** `optimiser` and the learning rate to begin with. */
export function toyPlan({ optimiser, initial }: { readonly optimiser: object; readonly initial: number }): Plan {
  return parsePlan({
    version: 1,
    classes: [{ name: 'half', value: 1 }],
    regions: [{ name: 'half', classes: [1] }],
    spacingMm: [2, 2, 2],
    patchSize: [8, 8, 8],
    batchSize: 1,
    normalisation: { clipHu: [-100, 100], mean: 0, std: 50 },
    network: {
      kind: 'unet',
      channels: [4],
      strides: [[1, 1, 1]],
      kernelSizes: [[3, 3, 3]],
      blocksPerLevel: [1],
      classes: 2,
    },
    loss: { terms: [{ kind: 'cross-entropy' }] },
    optimiser,
    schedule: { kind: 'polynomial', initial, power: 0.9, warmUpSteps: 0 },
    foregroundFraction: 0.5,
    augmentation: noAugmentation,
    memoryBudgetMb: 500,
    inference: { overlap: 0.5, flips: false },
  });
}

/** 40 HU and -40 HU, with noise. `inverted`: labelled the wrong way round. */
export function writeToyPatients(directory: string, { count = 5, inverted = false } = {}): void {
  for (let patient = 0; patient < count; patient++) {
    const random = createRandom(patient, 'case');
    const path = join(directory, `patient-${patient}`);
    mkdirSync(path, { recursive: true });
    const image = toyVolume((voxel) => (voxel % 8 > 3 ? 40 : -40) + 20 * random.normal());
    writeFileSync(join(path, 'image.nii.gz'), encodeNifti(image));
    const label = toyVolume((voxel) => (voxel % 8 > 3 !== inverted ? 1 : 0));
    writeFileSync(join(path, 'label.nii.gz'), encodeNifti(label));
  }
}
