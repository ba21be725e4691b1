/**
 * What a `Runtime` has to do, as named checks that throw where it does not. They need no test framework, so that they run
 * in a web page as well: `node.test.ts` and `web.test.ts`.
 */
import { type ArrayOfDType, type DType, elementCount, type Tensor, tensor } from '@consilium/numerics';
import { EngineError, type EngineErrorCode } from '../engine-error.ts';
import { GraphBuilder } from '../graph-builder.ts';
import type { Model } from '../model.ts';
import recorded from '../recorded/training-steps.json' with { type: 'json' };
import type { Runtime } from './runtime.ts';
import { type TrainingSteps, trainingSteps } from './training-steps.fixture.ts';

export interface ConformanceCheck {
  /** A sentence about the runtime. */
  readonly name: string;
  /** @throws Error that says what the runtime did instead. */
  readonly run: (runtime: Runtime) => Promise<void>;
}

/** Values at the edges of each type that a runtime takes. */
const edges: Omit<ArrayOfDType, 'float16' | 'bfloat16'> = {
  float32: Float32Array.of(0, -0, 1.5, 2 ** -149, 3.4028234663852886e38, Number.POSITIVE_INFINITY),
  float64: Float64Array.of(0, -0, 1 + 2 ** -52, Number.MIN_VALUE, Number.MAX_VALUE, Number.NEGATIVE_INFINITY),
  int8: Int8Array.of(-128, -1, 0, 1, 2, 127),
  int16: Int16Array.of(-32768, -1, 0, 1, 2, 32767),
  int32: Int32Array.of(-(2 ** 31), -1, 0, 1, 2, 2 ** 31 - 1),
  int64: BigInt64Array.of(-(2n ** 63n), -1n, 0n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n),
  uint8: Uint8Array.of(0, 1, 2, 127, 128, 255),
  uint16: Uint16Array.of(0, 1, 2, 32767, 32768, 65535),
  bool: Uint8Array.of(0, 1, 1, 0, 1, 0),
};

const valueChecks: readonly ConformanceCheck[] = [
  ...Object.entries(edges).map(([dtype, data]) => ({
    name: `hands ${dtype} through bit by bit`,
    run: async (runtime: Runtime): Promise<void> => {
      const x = { dtype, shape: [2, 3], data } as Tensor;
      await using session = await runtime.open(graph({ x }, (g, { x }) => ({ y: g.op('Identity', [x!]) })));
      same((await session.run({ x }))['y'], x);
    },
  })),
  {
    name: 'computes each output with the shape and type that was declared',
    run: async (runtime) => {
      const feeds = { a: floats([2, 3], 1, 2, 3, 4, 5, 6), b: floats([3, 1], 1, 0, -1) };
      const model = graph(feeds, (g, { a, b }) => ({
        product: g.op('MatMul', [a!, b!]),
        best: g.op('ArgMax', [a!], { axis: 1, keepdims: 0 }),
        above: g.op('Greater', [a!, g.scalar(3)]),
        total: g.op('ReduceSum', [a!], { keepdims: 0 }),
      }));
      await using session = await runtime.open(model);
      const results = await session.run(feeds);
      same(results['product'], floats([2, 1], -2, -2));
      same(results['best'], tensor('int64', [2], BigInt64Array.of(2n, 2n)));
      same(results['above'], tensor('bool', [2, 3], Uint8Array.of(0, 0, 0, 1, 1, 1)));
      same(results['total'], floats([], 21));
    },
  },
  {
    name: 'computes with int64 beyond what a float64 can hold',
    run: async (runtime) => {
      const x = tensor('int64', [2], BigInt64Array.of(2n ** 60n + 1n, -(2n ** 53n) - 1n));
      await using session = await runtime.open(graph({ x }, (g, { x }) => ({ y: g.op('Add', [x!, g.int64s(2)]) })));
      same((await session.run({ x }))['y'], tensor('int64', [2], BigInt64Array.of(2n ** 60n + 3n, -(2n ** 53n) + 1n)));
    },
  },
  {
    name: 'computes with truth values',
    run: async (runtime) => {
      const feeds = {
        a: tensor('bool', [4], Uint8Array.of(0, 0, 1, 1)),
        b: tensor('bool', [4], Uint8Array.of(0, 1, 0, 1)),
      };
      const model = graph(feeds, (g, { a, b }) => {
        const both = g.op('And', [a!, b!]);
        return {
          neither: g.op('Not', [g.op('Or', [a!, b!])]),
          chosen: g.op('Where', [both, g.scalar(2), g.scalar(7)]),
        };
      });
      await using session = await runtime.open(model);
      const results = await session.run(feeds);
      same(results['neither'], tensor('bool', [4], Uint8Array.of(1, 0, 0, 0)));
      same(results['chosen'], floats([4], 7, 7, 7, 2));
    },
  },
  {
    name: 'takes scalars and arrays without elements',
    run: async (runtime) => {
      const feeds = { scalar: floats([], 3), empty: floats([0, 2]) };
      const model = graph(feeds, (g, { scalar, empty }) => ({
        double: g.op('Add', [scalar!, scalar!]),
        nothing: g.op('Neg', [empty!]),
      }));
      await using session = await runtime.open(model);
      const results = await session.run(feeds);
      same(results['double'], floats([], 6));
      same(results['nothing'], floats([0, 2]));
    },
  },
  {
    name: 'binds open dimensions anew at each run',
    run: async (runtime) => {
      const closed = graph({ x: floats([1, 2], 0, 0) }, (g, { x }) => ({ y: g.op('Neg', [x!]) }));
      const open = (name: string) => ({ name, dtype: 'float32', shape: ['n', 2] }) as const;
      const model = { ...closed, graph: { ...closed.graph, inputs: [open('x')], outputs: [open('y')] } };
      await using session = await runtime.open(model);
      same((await session.run({ x: floats([1, 2], 1, 2) }))['y'], floats([1, 2], -1, -2));
      same((await session.run({ x: floats([2, 2], 1, 2, 3, 4) }))['y'], floats([2, 2], -1, -2, -3, -4));
    },
  },
  {
    name: 'runs an operator of whose results one is not used',
    run: async (runtime) => {
      const x = floats([3], 1, 2, 3);
      await using session = await runtime.open(
        graph({ x }, (g, { x }) => {
          const [first, , last] = g.ops('Split', [x!], 3, { axis: 0, num_outputs: 3 });
          return { first: first!, last: last! };
        }),
      );
      const results = await session.run({ x });
      same(results['first'], floats([1], 1));
      same(results['last'], floats([1], 3));
    },
  },
];

const fetchChecks: readonly ConformanceCheck[] = [
  {
    name: 'returns all outputs, or those that are asked for',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const x = floats([2], 1, -2);
      equal(Object.keys(await session.run({ x })).sort(), ['minus', 'plus'], 'all outputs');
      equal(Object.keys(await session.run({ x }, ['minus'])), ['minus'], 'the outputs by list');
      const { plus, ...others } = await session.run({ x }, { fetches: ['plus'] });
      same(plus, x);
      equal(Object.keys(others), [], 'further outputs');
    },
  },
  {
    name: 'refuses to fetch what is no output',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const x = floats([2], 1, -2);
      await refuses('engine.feed-mismatch', () => session.run({ x }, ['minus', 'absent']));
      same((await session.run({ x }))['minus'], floats([2], -1, 2));
    },
  },
  {
    name: 'writes results into the tensors it is given, at every run',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const into = { minus: floats([2], 9, 9) };
      const first = await session.run({ x: floats([2], 1, -2) }, { into });
      same(into.minus, floats([2], -1, 2));
      same(first['minus'], into.minus);
      same(first['plus'], floats([2], 1, -2));
      await session.run({ x: floats([2], 5, 6) }, { fetches: ['minus'], into });
      same(into.minus, floats([2], -5, -6));
    },
  },
  {
    name: 'writes int64 and bool, and into a part of a larger buffer',
    run: async (runtime) => {
      const x = floats([2], 3, 4);
      const model = graph({ x }, (g, { x }) => ({
        best: g.op('ArgMax', [x!], { axis: 0 }),
        above: g.op('Greater', [x!, g.scalar(3)]),
        minus: g.op('Neg', [x!]),
      }));
      await using session = await runtime.open(model);
      const buffer = Float32Array.of(9, 9, 9, 9);
      const into = {
        best: tensor('int64', [1]),
        above: tensor('bool', [2]),
        minus: tensor('float32', [2], buffer.subarray(1, 3)),
      };
      await session.run({ x }, { into });
      same(into.best, tensor('int64', [1], BigInt64Array.of(1n)));
      same(into.above, tensor('bool', [2], Uint8Array.of(0, 1)));
      equal([...buffer], [9, -3, -4, 9], 'the larger buffer');
    },
  },
  {
    name: 'refuses tensors that results do not fit into',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const x = floats([2], 1, -2);
      const wrong: Record<string, Tensor> = {
        length: floats([3], 9, 9, 9),
        rank: floats([1, 2], 9, 9),
        type: tensor('float64', [2]),
      };
      for (const [what, minus] of Object.entries(wrong)) {
        await refuses('engine.feed-mismatch', () => session.run({ x }, { into: { minus } }), what);
      }
      await refuses('engine.feed-mismatch', () => session.run({ x }, { into: { absent: floats([2], 9, 9) } }));
      same(wrong['length'], floats([3], 9, 9, 9));
    },
  },
  {
    name: 'gives each result memory of its own and leaves the feeds alone',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const x = floats([2], 1, -2);
      const first = await session.run({ x });
      const second = await session.run({ x: floats([2], 5, 6) });
      same(first['minus'], floats([2], -1, 2));
      same(second['minus'], floats([2], -5, -6));
      first['plus']!.data[0] = 7;
      same(x, floats([2], 1, -2));
    },
  },
];

const refusalChecks: readonly ConformanceCheck[] = [
  ...Object.entries({
    'that are missing': {},
    'of an unknown name': { x: floats([2], 1, 2), absent: floats([2], 1, 2) },
    'of another size': { x: floats([3], 1, 2, 3) },
    'of another rank': { x: floats([1, 2], 1, 2) },
    'of another type': { x: tensor('float64', [2]) },
    'with fewer elements than their shape says': { x: { dtype: 'float32', shape: [2], data: Float32Array.of(1) } },
    'whose array is not of their type': { x: { dtype: 'float32', shape: [2], data: Float64Array.of(1, 2) } as never },
  } satisfies Record<string, Record<string, Tensor>>).map(([what, feeds]) => ({
    name: `refuses feeds ${what}, and can still be used`,
    run: async (runtime: Runtime): Promise<void> => {
      await using session = await runtime.open(signs());
      await refuses('engine.feed-mismatch', () => session.run(feeds));
      same((await session.run({ x: floats([2], 1, -2) }))['minus'], floats([2], -1, 2));
    },
  })),
  {
    name: 'refuses a graph that ONNX Runtime refuses',
    run: async (runtime) => {
      const x = floats([2], 1, 2);
      const model = graph({ x }, (g, { x }) => {
        g.importOpset('org.example', 1);
        const declared = [{ dtype: 'float32', shape: [2] }] as const;
        return { y: g.op('NoSuchOperator', [x!], {}, { domain: 'org.example', declared }) };
      });
      await refuses('engine.session-failed', () => runtime.open(model));
    },
  },
  ...(['float16', 'bfloat16'] as const).map((dtype) => ({
    name: `refuses inputs and outputs of ${dtype}`,
    run: async (runtime: Runtime): Promise<void> => {
      const half = tensor(dtype, [2]);
      const taking = graph({ x: half }, (g, { x }) => ({ y: g.op('Cast', [x!], { to: 1 }) }));
      const giving = graph({}, (g) => ({ y: g.op('Identity', [g.parameter('w', half)]) }));
      await refuses('engine.model-unsupported', () => runtime.open(taking), 'the input');
      await refuses('engine.model-unsupported', () => runtime.open(giving), 'the output');
    },
  })),
  {
    name: 'says that a computation failed, and can still be used',
    run: async (runtime) => {
      const feeds = { x: floats([2], 5, 6), index: tensor('int64', [1]) };
      const model = graph(feeds, (g, { x, index }) => ({ y: g.op('Gather', [x!, index!], { axis: 0 }) }));
      await using session = await runtime.open(model);
      const outside = { ...feeds, index: tensor('int64', [1], BigInt64Array.of(99n)) };
      await refuses('engine.session-failed', () => session.run(outside));
      same((await session.run(feeds))['y'], floats([1], 5));
    },
  },
  {
    name: 'refuses to run a closed session, which may be closed twice',
    run: async (runtime) => {
      const session = await runtime.open(signs());
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      await refuses('engine.session-failed', () => session.run({ x: floats([2], 1, -2) }));
    },
  },
];

const concurrencyChecks: readonly ConformanceCheck[] = [
  {
    name: 'runs two sessions at once, and one after the other is closed',
    run: async (runtime) => {
      const x = floats([2], 1, -2);
      const double = graph({ x }, (g, { x }) => ({ y: g.op('Add', [x!, x!]) }));
      const [first, second] = await Promise.all([runtime.open(signs()), runtime.open(double)]);
      await using lasting = second;
      const [signed, doubled] = await Promise.all([first.run({ x }), lasting.run({ x })]);
      same(signed['minus'], floats([2], -1, 2));
      same(doubled['y'], floats([2], 2, -4));
      await first[Symbol.asyncDispose]();
      same((await lasting.run({ x: floats([2], 3, 4) }))['y'], floats([2], 6, 8));
    },
  },
  {
    name: 'answers several runs of one session, each with its own result',
    run: async (runtime) => {
      await using session = await runtime.open(signs());
      const runs = [1, 2, 3, 4].map((n) => session.run({ x: floats([2], n, -n) }, ['minus']));
      const results = await Promise.all(runs);
      results.forEach(({ minus }, index) => {
        same(minus, floats([2], -(index + 1), index + 1));
      });
    },
  },
  {
    name: 'opens the same model again and again',
    run: async (runtime) => {
      for (let n = 1; n <= 20; n++) {
        await using session = await runtime.open(signs(), { keepMemory: n % 2 === 0 });
        same((await session.run({ x: floats([2], n, 0) }, ['plus']))['plus'], floats([2], n, 0));
      }
    },
  },
];

const trainingChecks: readonly ConformanceCheck[] = [
  {
    name: 'takes three training steps to the recorded loss, gradient norm and weights',
    run: async (runtime) => {
      const steps = await trainingSteps(runtime);
      const expected: TrainingSteps = recorded;
      close(steps.losses, expected.losses, 'loss');
      close(steps.gradientNorms, expected.gradientNorms, 'gradient norm');
      equal(Object.keys(steps.weights), Object.keys(expected.weights), 'names of weights');
      for (const [name, values] of Object.entries(expected.weights)) close(steps.weights[name]!, values, name);
    },
  },
  {
    name: 'takes the same training steps to the same bits',
    run: async (runtime) => {
      const once = JSON.stringify(await trainingSteps(runtime));
      equal(JSON.stringify(await trainingSteps(runtime)) === once, true, 'the same bits');
    },
  },
];

export const conformanceChecks: readonly ConformanceCheck[] = [
  ...valueChecks,
  ...fetchChecks,
  ...refusalChecks,
  ...concurrencyChecks,
  ...trainingChecks,
];

/** The same runtime, told to use so many threads. */
export function withThreads(runtime: Runtime, threads: number): Runtime {
  return { name: runtime.name, open: (model, options) => runtime.open(model, { threads, ...options }) };
}

type GraphInputs = Readonly<Record<string, ReturnType<GraphBuilder['input']>>>;

/** A graph with inputs like these tensors. */
function graph(
  like: Readonly<Record<string, Tensor>>,
  outputs: (g: GraphBuilder, inputs: GraphInputs) => GraphInputs,
): Model {
  const g = new GraphBuilder();
  const inputs = Object.entries(like).map(([name, { dtype, shape }]) => [name, g.input(name, dtype, shape)] as const);
  for (const [name, value] of Object.entries(outputs(g, Object.fromEntries(inputs)))) g.output(name, value);
  return g.build();
}

/** x [2] float32 to plus = x and minus = -x. */
function signs(): Model {
  return graph({ x: floats([2], 0, 0) }, (g, { x }) => ({ plus: g.op('Identity', [x!]), minus: g.op('Neg', [x!]) }));
}

function floats(shape: readonly number[], ...values: readonly number[]): Tensor<'float32'> {
  return tensor('float32', shape, Float32Array.from(values));
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (show(actual) !== show(expected)) throw new Error(`${what}: ${show(actual)}, not ${show(expected)}`);
}

/** Type, shape and every bit. */
function same(actual: Tensor | undefined, expected: Tensor): void {
  if (actual === undefined) throw new Error('there is no such result');
  equal([actual.dtype, actual.shape], [expected.dtype, [...expected.shape]], 'type and shape');
  equal(actual.data.length, elementCount(expected.shape), 'number of elements');
  equal(bitsOf(actual.data), bitsOf(expected.data), `bits of ${actual.dtype}`);
}

function bitsOf({ buffer, byteOffset, byteLength }: ArrayOfDType[DType]): number[] {
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}

/** Each within 1e-4, absolutely where it is below 1, else relatively. */
function close(actual: readonly number[], expected: readonly number[], what: string): void {
  equal(actual.length, expected.length, `number of values of ${what}`);
  for (const [index, value] of expected.entries()) {
    const off = Math.abs(actual[index]! - value);
    if (!(off <= 1e-4 * Math.max(1, Math.abs(value)))) {
      throw new Error(`${what} ${index} is ${actual[index]}, not ${value}`);
    }
  }
}

async function refuses(code: EngineErrorCode, attempt: () => Promise<unknown>, what = ''): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof EngineError && error.code === code) return;
    throw new Error(`${what} fails with ${error}, not ${code}`, { cause: error });
  }
  throw new Error(`${what} is not refused`);
}
