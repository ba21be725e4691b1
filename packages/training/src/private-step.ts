/**
 * Differentially private gradients (DP-SGD; Abadi et al. 2016, arXiv:1607.00133, Algorithm 1). What is protected is a
 * unit, a patient with all of its cases: each takes part in a step by a coin of its own, and its gradient, the mean over a
 * batch of patches of its cases, is shortened to the norm C before it is added to the others. Noise of standard deviation
 * z C is added to the sum, which is divided by the number of units that is expected, not by the one that came.
 *
 * A unit is one pass of the network (where clicks are simulated, after others that see this unit alone), so a step needs no more memory for a hundred units than for one.
 */
import type { TrainingProgram } from '@consilium/engine';
import { createRandom, type NoiseSource, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { PreparedCase } from './preprocess.ts';
import { type ExamplePlan, type ExampleProgram, sampleExamples } from './training-batch.ts';

export interface PrivacyOptions {
  /** The cases of each unit. Every case belongs to one. */
  readonly units: readonly (readonly PreparedCase[])[];
  /** C: a unit's gradient is no longer than this. */
  readonly clipNorm: number;
  /** z: standard deviation of the noise in units of C. */
  readonly noiseMultiplier: number;
  /** q: probability with which a unit takes part in a step. */
  readonly samplingRate: number;
}

/** Slightly less than the norm, lest rounding makes it more. */
const justBelow = 1 - 2 ** -40;

/**
 * The noisy gradient at the program's weights, shaped as they are. Which units take part, which of their patches are seen
 * and the noise are all drawn from `noise`.
 *
 * A unit whose loss or gradient is not finite adds nothing: an error would tell that the unit is there. `onUnusable` is
 * told of its cases, for the site's own log.
 */
export async function privateGradient(
  program: Pick<TrainingProgram, 'gradients'> & ExampleProgram,
  plan: ExamplePlan,
  { units, clipNorm, noiseMultiplier, samplingRate }: PrivacyOptions,
  { noise, onUnusable }: { readonly noise: NoiseSource; readonly onUnusable?: (caseIds: readonly string[]) => void },
  layout: Weights,
): Promise<Weights> {
  const sums = new Map([...layout].map(([name, { data }]) => [name, new Float64Array(data.length)]));
  for (const cases of units) {
    const takesPart = noise.chance(samplingRate);
    // Drawn for those who stay away as well: what the others see does not depend on it.
    const random = createRandom(noise.seed(), 'unit');
    if (!takesPart) continue;
    const { image, label } = await sampleExamples(program, plan, cases, random);
    const { loss, gradients } = await program.gradients({ image, label });
    const norm = normOf(gradients);
    if (Number.isFinite(loss) && Number.isFinite(norm)) addScaled(sums, gradients, scaleTo(clipNorm, norm));
    else onUnusable?.(cases.map(({ id }) => id));
  }
  const lot = samplingRate * units.length;
  return new Map(
    [...sums].map(([name, sum]): [string, Tensor] => {
      noise.addGaussian(sum, noiseMultiplier * clipNorm);
      return [
        name,
        tensor(
          'float32',
          layout.get(name)!.shape,
          Float32Array.from(sum, (value) => value / lot),
        ),
      ];
    }),
  );
}

function scaleTo(clipNorm: number, norm: number): number {
  return Math.min(1, clipNorm / norm) * justBelow;
}

/** The Euclidean norm over all tensors together, in float64. */
function normOf(tensors: Weights): number {
  let squares = 0;
  for (const { data } of tensors.values()) {
    const values = data as Float32Array;
    for (let index = 0; index < values.length; index++) squares += values[index]! * values[index]!;
  }
  return Math.sqrt(squares);
}

function addScaled(sums: ReadonlyMap<string, Float64Array>, tensors: Weights, factor: number): void {
  for (const [name, sum] of sums) {
    const values = tensors.get(name)!.data as Float32Array;
    for (let index = 0; index < sum.length; index++) sum[index]! += factor * values[index]!;
  }
}
