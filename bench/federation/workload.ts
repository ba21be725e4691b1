/**
 * What all systems do: a model of 64 float32 arrays goes to each client, which adds a number to it and gives it back; the
 * server takes the mean. A client's number is its own and their mean is 1, so that the answers differ, as those of
 * hospitals do, and yet the mean can be checked.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, encodeSafetensors, tensor } from '@consilium/numerics';

export interface Workload {
  /** safetensors. The first element is 0. */
  readonly model: string;
  readonly modelBytes: number;
  /** By the client's name, what it adds. */
  readonly steps: ReadonlyMap<string, number>;
  /** Measured rounds; the system runs one more before them. */
  readonly rounds: number;
}

/**
 * `zeros`: every array is of zeros and every client adds 1. Systems that name what they send by its hash then send next to
 * nothing: all arrays, and all answers, are alike.
 */
export type Content = 'random' | 'zeros';

const arrays = 64;

export function writeModel(directory: string, modelBytes: number, content: Content): string {
  const random = createRandom(1);
  const elements = Math.round(modelBytes / 4 / arrays);
  const tensors = Array.from({ length: arrays }, (_, index) => {
    const made = tensor('float32', [elements]);
    if (content === 'random') for (let at = 0; at < elements; at++) made.data[at] = random.uniform() - 0.5;
    if (index === 0) made.data[0] = 0;
    return [`tensor${String(index).padStart(2, '0')}`, made] as const;
  });
  const path = join(directory, `model-${modelBytes}-${content}.safetensors`);
  writeFileSync(path, encodeSafetensors(new Map(tensors)));
  return path;
}

export function stepsOf(clients: number, content: Content): ReadonlyMap<string, number> {
  const step = (client: number): number => (content === 'zeros' ? 1 : (2 * client) / (clients + 1));
  return new Map(Array.from({ length: clients }, (_, index) => [`site-${index + 1}`, step(index + 1)]));
}
