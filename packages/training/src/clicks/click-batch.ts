/**
 * Batches for a click network: the patches of any other training, with clicks made up on them. In some rounds one after
 * the other, clicks go where the network is wrong now; what it then answers is the next round's mask. Only the answer to
 * the last is learnt from. All is drawn from the step's own stream, and the network's answers follow from its weights.
 */
import { type Random, type Tensor, tensor } from '@consilium/numerics';
import type { PreparedCase } from '../preprocess.ts';
import { type Batch, type SamplingPlan, samplePatch } from '../sampling.ts';
import { type Click, clickChannels, fillGuidance } from './click-input.ts';
import { nextClicks } from './click-simulation.ts';
import type { InteractiveSpec } from './interactive-spec.ts';
import { mistakenMask } from './mask-error.ts';

export type ClickSamplingPlan = SamplingPlan & { readonly interactive: InteractiveSpec };

/** The network as it is now: from `image` `[n, 4, z, y, x]` to logits `[n, 2, z, y, x]`, which the next call may overwrite. */
export type NetworkNow = (image: Tensor<'float32'>) => Promise<Float32Array>;

/** Clicks into so many wrong pieces between two answers, at most. */
const clicksOfRoundMax = 3;

/**
 * `image` `[n, 4, z, y, x]`, `label` `[n, 1, z, y, x]`: 1 on what was clicked.
 * @throws TrainingError `training.no-case`
 */
export async function sampleClicks(
  prepared: readonly PreparedCase[],
  plan: ClickSamplingPlan,
  random: Random,
  network: NetworkNow,
): Promise<Batch> {
  const patches = samplePatch(prepared, plan, random.fork('patches'));
  const { patchSize, batchSize, interactive } = plan;
  const voxels = patchSize[0] * patchSize[1] * patchSize[2];
  const image = tensor('float32', [batchSize, clickChannels, ...patchSize]);
  const label = tensor('float32', [batchSize, 1, ...patchSize]);
  const items = Array.from({ length: batchSize }, (_, item) => {
    const range = [item * voxels, (item + 1) * voxels] as const;
    const input = image.data.subarray(item * clickChannels * voxels, (item + 1) * clickChannels * voxels);
    input.set(patches.image.data.subarray(...range));
    const patient = new SimulatedReading(
      patches.label.data.subarray(...range),
      plan,
      random.fork('clicks', item),
      input,
    );
    label.data.set(patient.target, item * voxels);
    return patient;
  });
  const rounds = 1 + random.fork('rounds').integer(0, interactive.predictionsMax + 1);
  for (let round = 1; round <= rounds; round++) {
    for (const item of items) item.click();
    if (round === rounds || items.every(({ isAutomatic }) => isAutomatic)) break;
    const logits = await network(image);
    items.forEach((item, index) => {
      item.see(logits.subarray(2 * index * voxels, 2 * (index + 1) * voxels));
    });
  }
  return { image, label, caseIds: patches.caseIds };
}

/** One patch, what should be marked in it, and what has been clicked so far. */
class SimulatedReading {
  readonly isAutomatic: boolean;
  /** 1 inside. */
  readonly target: Uint8Array;
  readonly #plan: ClickSamplingPlan;
  readonly #random: Random;
  readonly #input: Float32Array;
  readonly #clicks: Click[] = [];
  #mask: Uint8Array;

  constructor(label: Float32Array, plan: ClickSamplingPlan, random: Random, input: Float32Array) {
    const { interactive, patchSize: size, spacingMm } = plan;
    this.#plan = plan;
    this.#random = random;
    this.#input = input;
    const present = new Set(label);
    const classes = interactive.classes.filter((value) => present.has(value));
    this.isAutomatic = classes.length === 0 || random.chance(interactive.automaticProbability);
    const wanted = this.isAutomatic ? interactive.classes : [random.choice(classes)];
    this.target = Uint8Array.from(label, (value) => (wanted.includes(value) ? 1 : 0));
    const { probability, errorMm } = interactive.previousMask;
    const begins = !this.isAutomatic && random.chance(probability);
    this.#mask = begins
      ? mistakenMask(this.target, { size, spacingMm }, { errorMm, random: random.fork('mistakes') })
      : new Uint8Array(label.length);
  }

  /** Clicks where the mask is wrong, and puts clicks and mask into the network's input. */
  click(): void {
    if (this.isAutomatic) return;
    const { interactive, patchSize: size, spacingMm } = this.#plan;
    const grid = { size, spacingMm };
    const left = interactive.clicksMax - this.#clicks.length;
    const count = Math.min(left, this.#random.integer(1, clicksOfRoundMax + 1));
    this.#clicks.push(...nextClicks(this.#mask, this.target, grid, { count, random: this.#random }));
    fillGuidance(this.#input, { clicks: this.#clicks, mask: this.#mask }, grid, interactive.guidance);
  }

  /** `logits` `[2, z, y, x]`: what the network says to the input as it is now. */
  see(logits: Float32Array): void {
    const voxels = this.#mask.length;
    this.#mask = Uint8Array.from({ length: voxels }, (_, index) => (logits[voxels + index]! > logits[index]! ? 1 : 0));
  }
}
