/** A trained model as files: `model.onnx` with the weights inside, `weights.safetensors`, and `plan.json`. */
import { join } from 'node:path';
import { encodeModel, type Model, withWeights } from '@consilium/engine';
import { decodeSafetensors } from '@consilium/numerics';
import { makeDirectory, writeDurably } from '@consilium/transport';

export interface ModelFiles {
  /** Graph; its own weights are replaced. */
  readonly model: Model;
  /** safetensors, written as it is. */
  readonly weights: Uint8Array;
  readonly plan: unknown;
}

export async function writeModelFiles(directory: string, { model, weights, plan }: ModelFiles): Promise<void> {
  await makeDirectory(directory);
  await writeDurably(join(directory, 'weights.safetensors'), weights);
  await writeDurably(
    join(directory, 'model.onnx'),
    encodeModel(withWeights(model, decodeSafetensors(weights).tensors)),
  );
  await writeDurably(join(directory, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
}
