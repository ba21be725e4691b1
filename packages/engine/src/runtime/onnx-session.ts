/** What both runtimes share: ONNX Runtime's JavaScript interface is the same in Node and in browsers. */
import { arrayConstructor, type DType, elementCount, type Tensor } from '@consilium/numerics';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { EngineError } from '../engine-error.ts';
import type { Declaration, Model } from '../model.ts';
import { encodeModel } from '../model-codec.ts';
import { withOwnMemory } from './alignment.ts';
import type { RunOptions, Session } from './runtime.ts';

/** The part of `onnxruntime-node` and `onnxruntime-web` that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OrtTensor;
}

interface OpenOptions {
  readonly session: InferenceSession.SessionOptions;
  /** Whether results can be written into memory of the caller, or have to be copied there. */
  readonly writesInPlace: boolean;
  /** Whether kernels compute on memory where JavaScript put it, and would round by where it begins. */
  readonly sharesMemory?: boolean;
}

export async function openOnnxSession(
  runtime: OnnxRuntime,
  model: Model,
  { session: sessionOptions, writesInPlace, sharesMemory = true }: OpenOptions,
): Promise<Session> {
  const { inputs, outputs } = model.graph;
  for (const declaration of [...inputs, ...outputs]) refuseHalfPrecision(declaration);
  let session: InferenceSession | undefined;
  try {
    const opened = encodeModel(sharesMemory ? withOwnMemory(model) : model);
    session = await runtime.InferenceSession.create(opened, sessionOptions);
  } catch (cause) {
    throw new EngineError('engine.session-failed', `ONNX Runtime refuses the graph: ${messageOf(cause)}`, { cause });
  }
  return {
    run: async (feeds, request = {}) => {
      if (session === undefined) throw new EngineError('engine.session-failed', 'the session is closed');
      const asked: RunOptions = isNames(request) ? { fetches: request } : request;
      const { fetches = outputs.map(({ name }) => name), into = {} } = asked;
      for (const declaration of inputs) checkFits(declaration, feeds[declaration.name]);
      for (const name of Object.keys(into)) checkFits(declarationOf(name, outputs, 'an output'), into[name]);
      for (const name of Object.keys(feeds)) declarationOf(name, inputs, 'an input');
      for (const name of fetches) declarationOf(name, outputs, 'an output');
      const given = mapValues(feeds, (value) => toOrt(runtime, value));
      const targets = fetches.map((name) => {
        const target = writesInPlace ? into[name] : undefined;
        return [name, target === undefined ? null : toOrt(runtime, target)] as const;
      });
      try {
        const results = mapValues(await session.run(given, Object.fromEntries(targets)), fromOrt);
        return writesInPlace ? results : copiedInto(into, results);
      } catch (cause) {
        throw new EngineError('engine.session-failed', `ONNX Runtime stopped: ${messageOf(cause)}`, { cause });
      }
    },
    [Symbol.asyncDispose]: async () => {
      const open = session;
      session = undefined;
      await open?.release();
    },
  };
}

function isNames(request: readonly string[] | RunOptions): request is readonly string[] {
  return Array.isArray(request);
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function toOrt(runtime: OnnxRuntime, value: Tensor): OrtTensor {
  return new runtime.Tensor(value.dtype as never, value.data as never, value.shape);
}

function fromOrt(value: unknown): Tensor {
  const { type, data, dims } = value as { type: DType; data: Tensor['data']; dims: readonly number[] };
  return { dtype: type, shape: [...dims], data };
}

function copiedInto(into: Readonly<Record<string, Tensor>>, results: Record<string, Tensor>): Record<string, Tensor> {
  for (const [name, target] of Object.entries(into)) {
    const result = results[name];
    if (result === undefined) continue;
    (target.data as Uint8Array).set(result.data as Uint8Array);
    results[name] = target;
  }
  return results;
}

/** ONNX Runtime's JavaScript interface knows no bfloat16, and in Node it takes a float16 array for an empty one. */
function refuseHalfPrecision({ name, dtype }: Declaration): void {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return;
  throw new EngineError('engine.model-unsupported', `${name} is ${dtype}: cast it from or to float32 in the graph`);
}

function mismatch(reason: string): EngineError {
  return new EngineError('engine.feed-mismatch', `the tensors do not fit the network: ${reason}`);
}

function declarationOf(name: string, declared: readonly Declaration[], what: string): Declaration {
  const found = declared.find((declaration) => declaration.name === name);
  if (found === undefined) throw mismatch(`${name} is not ${what}`);
  return found;
}

function checkFits({ name, dtype, shape }: Declaration, given: Tensor | undefined): void {
  if (given === undefined) throw mismatch(`${name} is missing`);
  const fits =
    given.shape.length === shape.length && shape.every((n, i) => typeof n === 'string' || n === given.shape[i]);
  if (given.dtype !== dtype || !fits) {
    throw mismatch(`${name} is ${given.dtype} [${given.shape.join(', ')}], not ${dtype} [${shape.join(', ')}]`);
  }
  if (!(given.data instanceof arrayConstructor[dtype]) || given.data.length !== elementCount(given.shape)) {
    throw mismatch(`the array of ${name} has not the type or the number of elements that ${name} says`);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
