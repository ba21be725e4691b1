/**
 * A trained model as files: what is handed to whoever uses it. Bytes only; where they are written is the caller's
 * business.
 *
 *     model.onnx            the graph with the weights inside: runs in any ONNX runtime
 *     weights.safetensors   the same weights: for comparing, averaging and further training
 *     plan.json             how images are prepared, and how the model was trained
 *     metadata.json         what the caller wants to say about it
 */
import { decodeModel, encodeModel, type Model, weightsOf } from '@consilium/engine';
import { decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import { type Plan, parsePlan } from './plan.ts';
import { TrainingError } from './training-error.ts';

export interface Bundle {
  readonly model: Model;
  readonly plan: Plan;
  /** Plain JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export const bundleFiles = {
  model: 'model.onnx',
  weights: 'weights.safetensors',
  plan: 'plan.json',
  metadata: 'metadata.json',
} as const;

/** The same bundle always gives the same bytes. */
export function encodeBundle({ model, plan, metadata }: Bundle): Map<string, Uint8Array> {
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  return new Map([
    [bundleFiles.model, encodeModel(model)],
    [bundleFiles.weights, encodeSafetensors(weightsOf(model))],
    [bundleFiles.plan, json(plan)],
    [bundleFiles.metadata, json(metadata)],
  ]);
}

/** @throws TrainingError `training.bundle-malformed` if a file is missing, unreadable, or the weights are not the model's. */
export function decodeBundle(files: ReadonlyMap<string, Uint8Array>): Bundle {
  const model = read(files, bundleFiles.model, decodeModel);
  const weights = read(files, bundleFiles.weights, (bytes) => decodeSafetensors(bytes).tensors);
  if (!sameBytes(weightsOf(model), weights)) {
    throw malformed(`${bundleFiles.weights} and ${bundleFiles.model} hold different weights`);
  }
  const plan = read(files, bundleFiles.plan, (bytes) => parsePlan(parseJson(bytes)));
  const metadata = read(files, bundleFiles.metadata, parseJson);
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw malformed(`${bundleFiles.metadata} is not a JSON object`);
  }
  return { model, plan, metadata: metadata as Record<string, unknown> };
}

function read<T>(files: ReadonlyMap<string, Uint8Array>, name: string, decode: (bytes: Uint8Array) => T): T {
  const bytes = files.get(name);
  if (bytes === undefined) throw malformed(`${name} is missing`);
  try {
    return decode(bytes);
  } catch (cause) {
    throw malformed(`${name} cannot be read`, cause);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

function sameBytes(a: Weights, b: Weights): boolean {
  const [left, right] = [encodeSafetensors(a), encodeSafetensors(b)];
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function malformed(reason: string, cause?: unknown): TrainingError {
  const message = `The model’s files do not belong together or are damaged: ${reason}. Take them again from where they were made.`;
  return new TrainingError('training.bundle-malformed', message, cause === undefined ? {} : { cause });
}
