/** Model files that were cut short or damaged: each is a model or a coded error, never a crash. */
import { readFileSync } from 'node:fs';
import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { EngineError } from './engine-error.ts';
import { decodeModel, encodeModel } from './model-codec.ts';
import { specialise } from './model-import.ts';
import { nodeRuntime } from './runtime/node.ts';
import type { TrainingSpec } from './training-program.ts';
import { createTrainingProgram, deriveTrainingGraph } from './training-program.ts';
import { variedModel } from './varied-model.fixture.ts';

const fromDisk = (name: string): Uint8Array => readFileSync(new URL(`recorded/${name}`, import.meta.url));
const files: readonly { name: string; bytes: Uint8Array; image: readonly number[] }[] = [
  { name: 'varied', bytes: encodeModel(variedModel()), image: [2, 1, 4, 4] },
  { name: 'exported', bytes: fromDisk('exported.onnx'), image: [2, 1, 4, 8, 8] },
  { name: 'exported by script', bytes: fromDisk('exported-by-script.onnx'), image: [2, 1, 4, 8, 8] },
];

function specOf(bytes: Uint8Array, image: readonly number[]): TrainingSpec {
  return {
    model: specialise(decodeModel(bytes), { image }),
    optimiser: { kind: 'adam' },
    loss: (g, outputs) => ({ loss: g.op('ReduceSum', [Object.values(outputs)[0]!], { keepdims: 0 }) }),
  };
}

/** What becomes of a file up to the training graph: 'derived', or the code of the error. Other errors pass through. */
function fateOf(bytes: Uint8Array, image: readonly number[]): string {
  try {
    deriveTrainingGraph(specOf(bytes, image));
    return 'derived';
  } catch (error) {
    if (error instanceof EngineError) return error.code;
    throw error;
  }
}

describe.each(files)('the model file $name', ({ bytes, image }) => {
  it('trains when it is whole', async () => {
    await using program = await createTrainingProgram(nodeRuntime(), specOf(bytes, image));
    expect(program).toBeDefined();
  });

  it('is refused when cut short, at every byte of its structure', () => {
    const step = Math.max(1, Math.floor(bytes.length / 3000));
    for (let length = 0; length < bytes.length; length += step) {
      const fate = fateOf(bytes.subarray(0, length), image);
      if (fate !== 'derived') expect(fate).toMatch(/^engine\./);
    }
  });

  it('is a model or a coded error with a few bytes changed', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = createRandom(seed);
    for (let attempt = 0; attempt < 500; attempt++) {
      const damaged = Uint8Array.from(bytes);
      for (let change = random.integer(1, 4); change > 0; change--) {
        const place = random.integer(0, damaged.length);
        damaged[place] = random.chance(0.5) ? random.integer(0, 256) : damaged[place]! ^ (1 << random.integer(0, 8));
      }
      try {
        fateOf(damaged, image);
      } catch (error) {
        throw new Error(`seed ${seed}, attempt ${attempt}`, { cause: error });
      }
    }
  });
});
