/** What both servers are given: a CT with two kidneys and a mass, and two networks that have learnt a little of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, type Model, weightsOf, withWeights } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import {
  axisAligned,
  encodeNifti,
  type Image,
  type LabelMap,
  type Triple,
  uidOf,
  writeDicomSeries,
} from '@consilium/imaging';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import {
  buildNetwork,
  kidneyClasses,
  noAugmentation,
  type Plan,
  parsePlan,
  preprocess,
  Trainer,
} from '@consilium/training';

const spacingMm = [1.25, 0.75, 0.75] as const;
const classes = kidneyClasses.filter(({ name }) => name !== 'cyst');
/** Centres and half axes, mm from the middle of the image: z, y, x. */
const bodies: readonly { readonly value: number; readonly hu: number; readonly at: Triple; readonly half: Triple }[] = [
  { value: 0, hu: 40, at: [0, 0, 0], half: [400, 120, 160] },
  { value: 1, hu: 170, at: [0, 30, -60], half: [55, 28, 25] },
  { value: 1, hu: 170, at: [10, 30, 60], half: [55, 28, 25] },
  { value: 2, hu: 90, at: [30, 38, 70], half: [22, 20, 20] },
];

/** HU with noise, and what is in it. */
export function makeCt(size: Triple): { readonly image: Image; readonly label: LabelMap } {
  const geometry = axisAligned({ size, spacingMm });
  const [depth, rows, columns] = size;
  const voxels = new Int16Array(depth * rows * columns);
  const label = new Uint8Array(voxels.length);
  const mm = (index: number, axis: 0 | 1 | 2) => (index - size[axis] / 2) * spacingMm[axis];
  for (let z = 0, at = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        let hu = -1000;
        for (const body of bodies) {
          const [a, b, c] = [mm(z, 0) - body.at[0], mm(y, 1) - body.at[1], mm(x, 2) - body.at[2]];
          if ((a / body.half[0]) ** 2 + (b / body.half[1]) ** 2 + (c / body.half[2]) ** 2 > 1) continue;
          hu = body.hu;
          label[at] = body.value;
        }
        // Noise of 20 HU or so, as fast as it is cheap.
        voxels[at] = hu + ((Math.imul(at + 1, 2_654_435_761) >>> 24) % 64) - 32;
      }
    }
  }
  return { image: { geometry, voxels }, label: { geometry, voxels: label } };
}

export function dicomOf(image: Image): readonly Uint8Array[] {
  return writeDicomSeries(image, {
    seriesInstanceUid: uidOf('bench proposal', 'series'),
    frameOfReferenceUid: uidOf('bench proposal', 'frame'),
    seriesDescription: 'SYNTHETIC nephrographic phase',
    patient: { id: 'BENCH', name: 'Bench', birthDate: '', sex: 'O' },
    study: {
      ...{ instanceUid: uidOf('bench proposal', 'study'), id: '1', date: '20260102', time: '030405' },
      ...{ accessionNumber: '', referringPhysician: '', description: 'CT abdomen' },
    },
    acquisition: {
      ...{ manufacturer: 'Consilium', model: 'Bench', kvp: 120, kernel: 'B30f', sliceThicknessMm: spacingMm[0] },
      ...{ contrastAgent: undefined, comments: 'SYNTHETIC' },
    },
  });
}

const [cube, halved] = [
  [3, 3, 3],
  [2, 2, 2],
] as const;

function planOf(kind: 'automatic' | 'clicks'): Plan {
  const isInteractive = kind === 'clicks';
  return parsePlan({
    ...{ version: 1, classes, regions: [{ name: 'kidney', classes: [1, 2] }], spacingMm: [2.5, 2.5, 2.5] },
    ...{ patchSize: [64, 64, 64], batchSize: 1, normalisation: { clipHu: [-200, 300], mean: 60, std: 80 } },
    network: {
      ...{ kind: 'unet', inputChannels: isInteractive ? 4 : 1, classes: isInteractive ? 2 : 3 },
      ...{ channels: [8, 16, 32, 64], strides: [[1, 1, 1], halved, halved, halved], kernelSizes: Array(4).fill(cube) },
      ...{ blocksPerLevel: [2, 2, 2, 2], norm: 'instance', normEpsilon: 1e-5, activation: 'leaky-relu' },
      ...{ negativeSlope: 0.1, convolutionBias: false, downSampling: 'max-pool', upSampling: 'transposed-convolution' },
    },
    loss: { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }] },
    optimiser: { kind: 'adamw' },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    ...{ foregroundFraction: 0.7, memoryBudgetMb: 4096, inference: { overlap: 0.5, flips: false } },
    // No mirror images: MONAI Label makes none either.
    augmentation: { ...noAugmentation, flips: [false, false, false] },
    ...(isInteractive
      ? {
          interactive: {
            ...{ classes: [1, 2], guidance: { kind: 'gaussian', sigmaMm: 6 }, clicksMax: 6, predictionsMax: 1 },
            ...{ automaticProbability: 0.1, previousMask: { probability: 0.3, errorMm: 5 } },
            evaluation: { clicks: [1, 3], scored: 3 },
          },
        }
      : {}),
  });
}

/** Bundles in `<directory>/automatic` and `<directory>/clicks`, trained for some steps, so that what they answer has a shape. */
export async function writeBundles(directory: string, steps: number): Promise<void> {
  const { image, label } = makeCt([96, 224, 224]);
  const far = axisAligned({ size: [96, 224, 224], spacingMm: [3, 1.75, 1.75] });
  const id = 'small';
  for (const kind of ['automatic', 'clicks'] as const) {
    const plan = planOf(kind);
    const options = { patchSize: plan.patchSize, batchSize: 1, random: createRandom(1, kind) };
    const network = buildNetwork(plan.network, options);
    const cases = [preprocess({ id, image: { ...image, geometry: far }, label: { ...label, geometry: far } }, plan)];
    await using trainer = await Trainer.create({
      ...{ runtime: nodeRuntime(), plan, model: network, cases, random: createRandom(2, kind), threads: 1 },
    });
    const { meanLoss } = await trainer.train({ steps, firstStep: 0, totalSteps: steps });
    console.error(`${kind}: mean loss ${meanLoss?.toFixed(3)}`);
    writeBundle(join(directory, kind), withWeights(network, trainer.weights()), plan);
  }
}

function writeBundle(directory: string, model: Model, plan: Plan): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'model.onnx'), encodeModel(model));
  writeFileSync(join(directory, 'weights.safetensors'), encodeSafetensors(weightsOf(model)));
  writeFileSync(join(directory, 'plan.json'), JSON.stringify(plan));
}

export function niftiOf(image: Image): Uint8Array {
  return encodeNifti(image);
}
