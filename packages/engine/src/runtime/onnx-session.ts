/** What both runtimes share: ONNX Runtime's JavaScript interface is the same in Node and in browsers. */
import { arrayConstructor, type DType, type Tensor } from '@consilium/numerics';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { EngineError } from '../engine-error.ts';
import type { Declaration, Model } from '../model.ts';
import { encodeModel } from '../model-codec.ts';
import type { RunOptions, Session } from './runtime.ts';

/** The part of `onnxruntime-node` and `onnxruntime-web` that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OrtTensor;
}

export async function openOnnxSession(
  runtime: OnnxRuntime,
  model: Model,
  options: InferenceSession.SessionOptions,
): Promise<Session> {
  const declared = new Map(model.graph.inputs.map((input) => [input.name, input]));
  let session: InferenceSession | undefined;
  try {
    session = await runtime.InferenceSession.create(encodeModel(model), options);
  } catch (cause) {
    throw new EngineError('engine.session-failed', `ONNX Runtime refuses the graph: ${messageOf(cause)}`, { cause });
  }
  const outputs = model.graph.outputs.map((output) => output.name);
  return {
    run: async (feeds, request = {}) => {
      if (session === undefined) throw new EngineError('engine.session-failed', 'the session is closed');
      const asked: RunOptions = isNames(request) ? { fetches: request } : request;
      checkFeeds(feeds, declared);
      const given = mapValues(feeds, (value) => toOrt(runtime, value));
      const fetches = Object.fromEntries(
        (asked.fetches ?? outputs).map((name) => {
          const target = asked.into?.[name];
          return [name, target ? toOrt(runtime, target) : null];
        }),
      );
      try {
        return mapValues(await session.run(given, fetches), fromOrt);
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

function fromOrt(value: { type: string; data: unknown; dims: readonly number[] } | unknown): Tensor {
  const { type, data, dims } = value as { type: DType; data: ArrayBufferView; dims: readonly number[] };
  const Constructor = arrayConstructor[type];
  const own = data instanceof Constructor;
  const array = own ? data : new Constructor(data.buffer as ArrayBuffer, data.byteOffset);
  return { dtype: type, shape: [...dims], data: array as Tensor['data'] };
}

function checkFeeds(feeds: Readonly<Record<string, Tensor>>, declared: ReadonlyMap<string, Declaration>): void {
  const refuse: (reason: string) => never = (reason) => {
    throw new EngineError('engine.feed-mismatch', `the network's inputs do not fit: ${reason}`);
  };
  for (const [name, { dtype, shape }] of declared) {
    const given = feeds[name];
    if (given === undefined) refuse(`${name} is missing`);
    const fits =
      given.shape.length === shape.length && shape.every((n, i) => typeof n === 'string' || n === given.shape[i]);
    if (given.dtype !== dtype || !fits) {
      refuse(`${name} is ${given.dtype} [${given.shape.join(', ')}], not ${dtype} [${shape.join(', ')}]`);
    }
  }
  for (const name of Object.keys(feeds)) if (!declared.has(name)) refuse(`${name} is not an input`);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
