/** What is timed, in a page and in Node alike: a click, and the mask of the region around it. */
import { decodeModel, type Runtime } from '@consilium/engine';
import { axisAligned } from '@consilium/imaging';
import { ClickPredictor, parsePlan } from '@consilium/training/browser';

export interface Scene {
  /** JSON. */
  readonly plan: unknown;
  /** An ONNX file. */
  readonly model: Uint8Array;
  readonly repeats: number;
}

/** Milliseconds of each answer, the first one left out. The newest click takes away, so that one look is enough. */
export async function clickTimes(runtime: Runtime, { plan, model, repeats }: Scene): Promise<number[]> {
  const read = parsePlan(plan);
  const options = { runtime, model: decodeModel(model), plan: read, threads: 1 };
  await using predictor = await ClickPredictor.open(options);
  const size = read.patchSize.map((each) => each + 32) as unknown as typeof read.patchSize;
  const geometry = axisAligned({ size, spacingMm: read.spacingMm });
  const image = new Float32Array(size[0] * size[1] * size[2]);
  const mask = new Uint8Array(image.length);
  for (let index = 0; index < image.length; index++) {
    const voxel = [Math.floor(index / (size[1] * size[2])), Math.floor(index / size[2]) % size[1], index % size[2]];
    const distance = Math.hypot(...voxel.map((each, axis) => each - size[axis]! / 2));
    image[index] = distance < 20 ? 1 : -1;
    mask[index] = distance < 22 ? 1 : 0;
  }
  const prepared = { geometry, original: geometry, image, outside: -2 };
  const middle = [size[0] / 2, size[1] / 2, size[2] / 2] as const;
  const beside = [middle[0], middle[1], middle[2] + 21] as const;
  const clicks = [
    { voxel: middle, isForeground: true },
    { voxel: beside, isForeground: false },
  ];
  const times: number[] = [];
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const begin = performance.now();
    await predictor.answer(prepared, { geometry, mask, clicks });
    times.push(performance.now() - begin);
  }
  return times.slice(1);
}
