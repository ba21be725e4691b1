/** A trained model applied to an image: prepared as for training, windows slid over it, classes on the original grid. */
import { type Model, type Runtime, type Session, specialise, withWeights } from '@consilium/engine';
import {
  croppedGeometry,
  type Geometry,
  type Image,
  type LabelMap,
  resampleImage,
  resampleLabels,
  voxelCount,
} from '@consilium/imaging';
import { tensor, type Weights } from '@consilium/numerics';
import type { PlannedSlices } from './calibration.ts';
import type { ContrastPhase } from './contrast-phase.ts';
import { withFlipEntropy } from './flip-entropy.ts';
import type { Plan } from './plan.ts';
import { type PreparedImage, prepareImage } from './preprocess.ts';
import { type FinishedSlices, type PatchNetwork, type SlidingWindow, slideOver } from './sliding-window.ts';
import { ClassUpsampler } from './upsampling.ts';

interface PredictorOptions {
  readonly runtime: Runtime;
  /** Input `image` `[n, 1, z, y, x]`, output `logits` `[n, c, z, y, x]`. */
  readonly model: Model;
  /** Default: the weights inside `model`. */
  readonly weights?: Weights;
  readonly plan: Plan;
  readonly threads?: number;
}

interface PredictionOptions {
  /** Called after each window. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface ImagePredictionOptions extends PredictionOptions {
  /** Of contrast enhancement, where it is known: decides by what the image is normalised, if the plan says so. */
  readonly phase?: ContrastPhase;
}

interface ListenedPredictionOptions extends ImagePredictionOptions {
  /** Told the logits from which the classes are made, on the plan's grid, from the first plane to the last. */
  readonly onSlices?: (slices: PlannedSlices) => void;
}

/** Both on the image's grid. */
export interface UncertainPrediction {
  readonly labels: LabelMap;
  /** Entropy of the mean probabilities over mirror images, 255 the greatest; 0 where the network did not look. */
  readonly uncertainty: LabelMap;
}

/** A model ready to segment image after image. */
export class Predictor implements AsyncDisposable {
  readonly #session: Session;
  readonly #plan: Plan;

  static async open({ runtime, model, weights, plan, threads }: PredictorOptions): Promise<Predictor> {
    const single = specialise(model, { image: [1, 1, ...plan.patchSize] });
    const ready = weights === undefined ? single : withWeights(single, weights);
    return new Predictor(await runtime.open(ready, threads === undefined ? {} : { threads }), plan);
  }

  private constructor(session: Session, plan: Plan) {
    this.#session = session;
    this.#plan = plan;
  }

  /** Class values on the grid of `image`, whatever its orientation. */
  async predict(image: Image, options: ListenedPredictionOptions = {}): Promise<LabelMap> {
    const prepared = prepareImage(image, this.#plan, options.phase);
    const upsampler = new ClassUpsampler(prepared.geometry, prepared.original, this.#channels());
    await this.#slide(prepared, options, (slices) => {
      options.onSlices?.({ ...slices, geometry: prepared.geometry });
      upsampler.add(slices);
    });
    return upsampler.finish();
  }

  /** The same averaged over the mirror images that training saw, with how unsure the network is. */
  async predictWithUncertainty(image: Image, options: ImagePredictionOptions = {}): Promise<UncertainPrediction> {
    const prepared = prepareImage(image, this.#plan, options.phase);
    const { augmentation, network, patchSize } = this.#plan;
    const { classes } = network;
    const upsampler = new ClassUpsampler(prepared.geometry, prepared.original, this.#channels());
    const plane = prepared.geometry.size[1] * prepared.geometry.size[2];
    const entropy = new Int16Array(voxelCount(prepared.geometry));
    await slideOver(
      { voxels: prepared.image, size: prepared.geometry.size },
      {
        ...this.#windows(prepared, options),
        network: withFlipEntropy(this.#patchNetwork(), { classes, flips: augmentation.flips, patchSize }),
        classes: classes + 1,
        flips: [false, false, false],
      },
      ({ count, first, logits }) => {
        upsampler.add({ count, first, logits: logits.subarray(0, classes * count * plane) });
        const of = logits.subarray(classes * count * plane);
        for (let at = 0; at < of.length; at++) entropy[first * plane + at] = Math.round(of[at]! * 255);
      },
    );
    const coarse = { geometry: prepared.geometry, voxels: entropy };
    return { labels: upsampler.finish(), uncertainty: onGrid(coarse, prepared.original) };
  }

  /** Class values on the prepared image's own grid: quicker, for choosing between rounds. */
  async predictPrepared(prepared: PreparedImage, options: PredictionOptions = {}): Promise<Uint8Array> {
    const [depth, height, width] = prepared.geometry.size;
    const labels = new Uint8Array(depth * height * width);
    await this.#slide(prepared, options, ({ first, count, logits }) => {
      largestChannel(logits, labels.subarray(first * height * width, (first + count) * height * width));
    });
    return labels;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  #channels(): number[] {
    return Array.from({ length: this.#plan.network.classes }, (_, value) => value);
  }

  #slide(
    prepared: PreparedImage,
    options: PredictionOptions,
    onSlices: (slices: FinishedSlices) => void,
  ): Promise<void> {
    const volume = { voxels: prepared.image, size: prepared.geometry.size };
    return slideOver(volume, this.#windows(prepared, options), onSlices);
  }

  #windows({ outside }: PreparedImage, { onProgress, signal }: PredictionOptions): SlidingWindow {
    const { patchSize, inference, augmentation, network } = this.#plan;
    return {
      network: this.#patchNetwork(),
      patchSize,
      classes: network.classes,
      overlap: inference.overlap,
      flips: inference.flips ? augmentation.flips : [false, false, false],
      outside,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  #patchNetwork(): PatchNetwork {
    const shape = [1, 1, ...this.#plan.patchSize];
    return async (patch) => {
      const { logits } = await this.#session.run({ image: tensor('float32', shape, patch) }, ['logits']);
      return logits!.data as Float32Array;
    };
  }
}

/** One image with a model opened for it alone; for several, keep a `Predictor`. */
export async function predict(
  options: PredictorOptions & ImagePredictionOptions & { image: Image },
): Promise<LabelMap> {
  await using predictor = await Predictor.open(options);
  return await predictor.predict(options.image, options);
}

/** Slices that are interpolated together: few, so that a large image is not in memory as float32. */
const slicesAtOnce = 16;

/** A coarse volume of 0 to 255, linear between its voxels, 0 outside of it. */
function onGrid(coarse: Image, target: Geometry): LabelMap {
  const [depth, height, width] = target.size;
  const voxels = new Uint8Array(depth * height * width);
  const everywhere = { geometry: coarse.geometry, voxels: new Uint8Array(coarse.voxels.length).fill(1) };
  for (let z = 0; z < depth; z += slicesAtOnce) {
    const slab = croppedGeometry(target, [z, 0, 0], [Math.min(slicesAtOnce, depth - z), height, width]);
    const values = resampleImage(coarse, slab).voxels;
    const inside = resampleLabels(everywhere, slab).voxels;
    for (let at = 0; at < values.length; at++) voxels[z * height * width + at] = Math.round(values[at]! * inside[at]!);
  }
  return { geometry: target, voxels };
}

/** The channel with the largest logit; the lowest on a tie. `logits` is `[c, voxels]`, `labels` (out) `[voxels]`. */
function largestChannel(logits: Float32Array, labels: Uint8Array): void {
  const voxels = labels.length;
  const channels = logits.length / voxels;
  for (let index = 0; index < voxels; index++) {
    let best = logits[index]!;
    let winner = 0;
    for (let channel = 1; channel < channels; channel++) {
      const logit = logits[channel * voxels + index]!;
      if (logit <= best) continue;
      best = logit;
      winner = channel;
    }
    labels[index] = winner;
  }
}
