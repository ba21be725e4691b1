import type { Json } from '@consilium/protocol';
import { fingerprintOf } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import { describePlan, networkFor, planFor } from './network-plan.ts';

/** A block of 192 mm, a corner of it kidney. */
async function fingerprintOfBlock(): Promise<Json> {
  const size = [48, 48, 48] as const;
  const geometry = {
    size,
    spacingMm: [4, 4, 4],
    originMm: [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  } as const;
  const voxels = new Int16Array(48 ** 3).map((_, index) => 40 + (index % 50));
  const label = { geometry, voxels: new Uint8Array(voxels.length).fill(1, 0, 1000) };
  const fingerprint = await fingerprintOf([{ id: 'block', image: { geometry, voxels }, label }]);
  return JSON.parse(JSON.stringify(fingerprint)) as Json;
}

describe('the network of a plan', () => {
  it('takes an image, clicks and a mask where it is to be clicked on, and an image alone where it is not', async () => {
    const fingerprints = [await fingerprintOfBlock()];
    const shapes = [true, false].map((interactive) => {
      const plan = planFor(fingerprints, { memoryBudgetMb: 1024, size: 'small', interactive });
      const model = networkFor(plan, 1);
      expect(describePlan(plan, model).includes('clicked on')).toBe(interactive);
      return [model.graph.inputs[0]!.shape.slice(1), model.graph.outputs[0]!.shape[1]];
    });
    expect(shapes).toEqual([
      [[4, 32, 32, 32], 2],
      [[1, 16, 32, 32], 4],
    ]);
  });
});
