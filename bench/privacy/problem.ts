/**
 * A small problem of the rehearsal's kind: organs with a lesion in noise, differing from patient to patient, and a U-Net
 * that is trained on them in seconds. 16 x 16 x 16 voxels of 4 mm.
 */
import type { Model } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { axisAligned } from '@consilium/imaging';
import { createRandom, NoiseSource, type Random, type Weights } from '@consilium/numerics';
import { buildNetwork, noAugmentation, type Plan, Predictor, type PreparedCase, parsePlan } from '@consilium/training';

const edge = 16;
const size = [edge, edge, edge] as const;

export const plan: Plan = parsePlan({
  version: 1,
  classes: [
    { name: 'organ', value: 1 },
    { name: 'lesion', value: 2 },
  ],
  regions: [
    { name: 'organ', classes: [1, 2] },
    { name: 'lesion', classes: [2] },
  ],
  spacingMm: [4, 4, 4],
  patchSize: size,
  batchSize: 1,
  normalisation: { clipHu: [-200, 300], mean: 100, std: 50 },
  network: {
    kind: 'unet',
    channels: [6, 12],
    strides: [
      [1, 1, 1],
      [2, 2, 2],
    ],
    kernelSizes: [
      [3, 3, 3],
      [3, 3, 3],
    ],
    blocksPerLevel: [1, 1],
    classes: 3,
  },
  loss: { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }] },
  optimiser: { kind: 'adamw', weightDecay: 0 },
  schedule: { kind: 'polynomial', initial: 0.02, power: 0.9, warmUpSteps: 0 },
  foregroundFraction: 0,
  augmentation: noAugmentation,
  memoryBudgetMb: 500,
  inference: { overlap: 0, flips: false },
});

export function network(seed: number, { channels }: { channels?: readonly [number, number] } = {}): Model {
  const spec = channels === undefined ? plan.network : { ...plan.network, channels: [...channels] };
  return buildNetwork(spec, { patchSize: size, batchSize: 1, random: createRandom(seed, 'network') });
}

/** An ellipsoid (class 1) that holds a ball (class 2), each of its own intensity, in noise. */
export function patient(seed: number, name: string): PreparedCase {
  const random = createRandom(seed, 'patient', name);
  const centre = size.map(() => edge / 2 + random.between(-2.5, 2.5));
  const radii = size.map(() => random.between(3.5, 6));
  const lesion = centre.map((at, axis) => at + random.between(-0.45, 0.45) * radii[axis]!);
  const lesionRadius = random.between(1.6, 2.8);
  const intensity = [random.between(-1.3, -0.7), random.between(0.6, 1.6), random.between(-0.4, 0.3)];
  const image = new Float32Array(edge ** 3);
  const label = new Uint8Array(edge ** 3);
  const found: [number[], number[]] = [[], []];
  for (let index = 0; index < image.length; index++) {
    const voxel = [Math.floor(index / edge ** 2), Math.floor(index / edge) % edge, index % edge];
    const reach = Math.hypot(...voxel.map((at, axis) => (at - centre[axis]!) / radii[axis]!));
    const fromLesion = Math.hypot(...voxel.map((at, axis) => at - lesion[axis]!));
    const value = reach > 1 ? 0 : fromLesion < lesionRadius ? 2 : 1;
    label[index] = value;
    if (value > 0) found[value - 1]!.push(index);
    image[index] = intensity[value]! + 0.6 * random.normal();
  }
  const geometry = axisAligned({ size, spacingMm: [4, 4, 4], originMm: [0, 0, 0] });
  const foreground = found.map((indices, at) => ({ value: at + 1, indices: Uint32Array.from(indices) }));
  return { id: name, geometry, outside: -6, original: geometry, image, label, foreground };
}

export const patients = (seed: number, count: number): PreparedCase[] =>
  Array.from({ length: count }, (_, index) => patient(seed, `patient-${index}`));

/** Mean over patients of the mean Dice of organ and lesion. */
export async function meanDice(model: Model, weights: Weights, cases: readonly PreparedCase[]): Promise<number> {
  await using predictor = await Predictor.open({ runtime: nodeRuntime(), model, weights, plan, threads: 1 });
  let sum = 0;
  for (const one of cases) {
    const predicted = await predictor.predictPrepared(one);
    sum += (diceOf(predicted, one.label, 1) + diceOf(predicted, one.label, 2)) / 2;
  }
  return sum / cases.length;
}

/** Of all voxels of class `least` or higher. */
function diceOf(predicted: Uint8Array, reference: Uint8Array, least: number): number {
  let both = 0;
  let either = 0;
  predicted.forEach((value, index) => {
    both += value >= least && reference[index]! >= least ? 1 : 0;
    either += (value >= least ? 1 : 0) + (reference[index]! >= least ? 1 : 0);
  });
  return either === 0 ? 1 : (2 * both) / either;
}

/** Noise that comes again, so that the measurement does: it protects nobody. */
export function seededNoise(random: Random): NoiseSource {
  return new NoiseSource((into) => {
    for (let index = 0; index < into.length; index++) into[index] = random.uint32();
  });
}
