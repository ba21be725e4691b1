/**
 * The reference network on our engine, in a process of its own: `ours.ts MODE THREADS FOLDER SIZE`, MODE is `train` or
 * `infer`. Same conversation as `torch_peer.py`: "ready", then one step and one line of JSON for each line of stdin.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createTrainingProgram, withWeights } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { decodeSafetensors } from '@consilium/numerics';
import { lossFor } from '@consilium/training';
import { learningRate, referenceLoss, referenceNetwork } from './reference-network.ts';

const [mode, threadsText, folder, sizeText] = process.argv.slice(2);
const threads = Number(threadsText);
const { tensors: weights } = decodeSafetensors(readFileSync(`${folder}/weights.safetensors`));
const { tensors: batch } = decodeSafetensors(readFileSync(`${folder}/batch.safetensors`));
const model = withWeights(referenceNetwork(Number(sizeText)), weights);
const image = batch.get('image')!;
const label = batch.get('label')!;

async function training(): Promise<() => Promise<number>> {
  const loss = lossFor(referenceLoss);
  const program = await createTrainingProgram(nodeRuntime(), { model, loss, optimiser: { kind: 'adam' }, threads });
  return async () => (await program.step({ image, label }, { learningRate })).loss;
}

async function inference(): Promise<() => Promise<number>> {
  const session = await nodeRuntime().open(model, { threads });
  return async () => Number((await session.run({ image }))['logits']!.data[0]);
}

function peakBytes(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

const step = mode === 'train' ? await training() : await inference();
console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const value = await step();
  const ms = performance.now() - start;
  console.log(JSON.stringify({ ms, value, peakBytes: peakBytes() }));
}
