import { type Tensor, tensor, type Weights } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { tensorOf } from './constant-folding.ts';
import { EngineError } from './engine-error.ts';
import { GraphBuilder } from './graph-builder.ts';
import { type Model, withWeights } from './model.ts';
import type { OptimiserSpec } from './optimiser.ts';
import recorded from './recorded/optimisers.json' with { type: 'json' };
import { nodeRuntime } from './runtime/node.ts';
import type { Runtime } from './runtime/runtime.ts';
import { createTrainingProgram, type TrainingProgram, type TrainingSpec } from './training-program.ts';

interface Listed {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Trajectory {
  readonly name: string;
  readonly optimiser: OptimiserSpec;
  readonly rate: number;
  readonly clipNorm?: number;
  readonly proximalMu?: number;
  readonly controlVariate?: boolean;
  readonly averageDecay?: number;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly average?: Readonly<Record<string, readonly number[]>>;
}

const trajectories = recorded.trajectories as unknown as readonly Trajectory[];
const batches = recorded.batches.map((batch) => Object.fromEntries(tensorsOf(batch)));

function tensorsOf(listed: Readonly<Record<string, Listed>>): Map<string, Tensor> {
  return new Map(Object.entries(listed).map(([name, { shape, values }]) => [name, tensorOf('float32', shape, values)]));
}

/** y = tanh(x w1) w2, as in `recording/record_optimisers.py`. */
function network(): Model {
  const g = new GraphBuilder();
  const [w1, w2] = [...tensorsOf(recorded.start)].map(([name, value]) => g.parameter(name, value));
  g.output('y', g.op('MatMul', [g.op('Tanh', [g.op('MatMul', [g.input('x', 'float32', [5, 4]), w1!])]), w2!]));
  return g.build();
}

const meanSquare: TrainingSpec['loss'] = (g, { y }) => {
  const difference = g.op('Sub', [y!, g.input('t', 'float32', [5, 2])]);
  const loss = g.op('ReduceMean', [g.op('Mul', [difference, difference])], { keepdims: 0 });
  return { loss, monitors: { difference } };
};

const adam: OptimiserSpec = { kind: 'adam' };

function open(spec: Partial<TrainingSpec> = {}): Promise<TrainingProgram> {
  return createTrainingProgram(nodeRuntime(), { model: network(), loss: meanSquare, optimiser: adam, ...spec });
}

function settingsOf({ clipNorm, proximalMu, controlVariate, averageDecay }: Trajectory): Partial<TrainingSpec> {
  return {
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(proximalMu === undefined ? {} : { proximalMu }),
    ...(controlVariate === undefined ? {} : { controlVariate }),
    ...(averageDecay === undefined ? {} : { averageDecay }),
  };
}

function expectNear(actual: readonly number[], expected: readonly number[], what: string): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, index) => {
    expect(Math.abs(value - expected[index]!), `${what} ${index}`).toBeLessThan(
      1e-5 * (1 + Math.abs(expected[index]!)),
    );
  });
}

const bytesOf = (weights: Weights): Record<string, string> =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('hex')]));

const numbersIn = (weights: Weights, name: string): number[] => [...(weights.get(name)!.data as Float32Array)];

describe('a training program follows PyTorch with', () => {
  it.each(trajectories.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await using program = await open({ optimiser: each.optimiser, ...settingsOf(each) });
    if (each.proximalMu !== undefined) program.setAnchor(tensorsOf(recorded.anchor));
    if (each.controlVariate) program.setControlVariate(tensorsOf(recorded.control));
    const losses: number[] = [];
    const norms: number[] = [];
    for (const [index, batch] of batches.entries()) {
      const learningRate = each.rate * (1 - index / (2 * batches.length));
      const { loss, gradientNorm } = await program.step(batch, { learningRate });
      losses.push(loss);
      norms.push(gradientNorm);
    }
    expectNear(losses, each.losses, 'loss');
    expectNear(norms, each.norms, 'gradient norm');
    for (const [name, values] of Object.entries(each.weights)) {
      expectNear(numbersIn(program.weights(), name), values, `weight ${name}`);
      const average = each.average?.[name] ?? values;
      expectNear(numbersIn(program.averagedWeights(), name), average, `average ${name}`);
    }
  });
});

const everything: Partial<TrainingSpec> = { clipNorm: 0.4, proximalMu: 0.5, controlVariate: true, averageDecay: 0.9 };

describe('a loss that is not a finite number', () => {
  it.each<[string, OptimiserSpec, number]>([
    ['SGD', { kind: 'sgd', momentum: 0.9, nesterov: true }, Number.NaN],
    ['Adam', { kind: 'adam' }, Number.POSITIVE_INFINITY],
    ['AdamW', { kind: 'adamw' }, 1e30], // its square is infinite
  ])('leaves weights and state of %s as they were, and training goes on', async (_, optimiser, poison) => {
    await using disturbed = await open({ ...everything, optimiser });
    await using calm = await open({ ...everything, optimiser });
    for (const program of [disturbed, calm]) {
      program.setAnchor(tensorsOf(recorded.anchor));
      program.setControlVariate(tensorsOf(recorded.control));
      await program.step(batches[0]!, { learningRate: 0.05 });
    }
    const [weights, state] = [bytesOf(disturbed.weights()), bytesOf(disturbed.state())];
    const bad = { ...batches[1]!, t: tensorOf('float32', [5, 2], new Array<number>(10).fill(poison)) };
    const failure = await disturbed.step(bad, { learningRate: 0.05 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).code).toBe('engine.loss-not-finite');
    expect(bytesOf(disturbed.weights())).toEqual(weights);
    expect(bytesOf(disturbed.state())).toEqual(state);
    for (const program of [disturbed, calm]) await program.step(batches[1]!, { learningRate: 0.05 });
    expect(bytesOf(disturbed.weights())).toEqual(bytesOf(calm.weights()));
  });

  it('is found where the loss is finite but its gradient is not', async () => {
    const loss: TrainingSpec['loss'] = (g, { y }) => {
      const zero = g.op('Mul', [g.op('ReduceSum', [y!], { keepdims: 0 }), g.input('nought', 'float32', [])]);
      return { loss: g.op('Sqrt', [zero]) };
    };
    await using program = await open({ loss });
    const before = bytesOf(program.weights());
    const feeds = { x: batches[0]!['x']!, nought: tensor('float32', []) };
    await expect(program.step(feeds, { learningRate: 1 })).rejects.toMatchObject({ code: 'engine.loss-not-finite' });
    expect(bytesOf(program.weights())).toEqual(before);
  });
});

describe('a step in two halves', () => {
  it('tells the outputs at its present weights, and is no other for it', async () => {
    await using program = await open();
    const [batch] = batches;
    for (let step = 0; step < 3; step++) {
      const before = { ...bytesOf(program.state()), ...bytesOf(program.weights()) };
      const { y } = await program.outputs({ x: batch!['x']! });
      expect({ ...bytesOf(program.state()), ...bytesOf(program.weights()) }).toEqual(before);
      await using session = await nodeRuntime().open(withWeights(network(), program.weights()));
      expect((await session.run({ x: batch!['x']! }))['y']!.data).toEqual(y!.data);
      const { monitors } = await program.step(batch!, { learningRate: 0.1 });
      const target = batch!['t']!.data as Float32Array;
      const differences = (monitors['difference']!.data as Float32Array).map((value, index) => value + target[index]!);
      expectNear([...differences], [...(y!.data as Float32Array)], 'outputs');
    }
  });

  it('is the whole step, to the last bit, and its first half changes nothing', async () => {
    await using whole = await open(everything);
    await using halves = await open(everything);
    for (const program of [whole, halves]) {
      program.setAnchor(tensorsOf(recorded.anchor));
      program.setControlVariate(tensorsOf(recorded.control));
    }
    for (const batch of batches) {
      const { loss, gradientNorm } = await whole.step(batch, { learningRate: 0.05 });
      const before = bytesOf(halves.weights());
      const first = await halves.gradients(batch);
      expect(first.loss).toBe(loss);
      expect(bytesOf(halves.weights())).toEqual(before);
      const copied = new Map(
        [...first.gradients].map(([name, value]) => [name, { ...value, data: value.data.slice() }]),
      );
      expect(halves.update(copied as Weights, { learningRate: 0.05 })).toBe(gradientNorm);
      expect(bytesOf(halves.weights())).toEqual(bytesOf(whole.weights()));
    }
    expect(bytesOf(halves.state())).toEqual(bytesOf(whole.state()));
  });

  it('takes no gradient that does not fit or is not finite', async () => {
    await using program = await open();
    const before = bytesOf(program.weights());
    const { gradients } = await program.gradients(batches[0]!);
    const bad = new Map([...gradients].map(([name, { shape }]) => [name, tensor('float32', shape)]));
    expect(() => program.update(new Map([...bad].slice(1)), { learningRate: 1 })).toThrow(
      expect.objectContaining({ code: 'engine.weights-mismatch' }),
    );
    bad.get('w1')!.data[0] = Number.NaN;
    expect(() => program.update(bad, { learningRate: 1 })).toThrow(
      expect.objectContaining({ code: 'engine.loss-not-finite' }),
    );
    expect(bytesOf(program.weights())).toEqual(before);
  });
});

describe('a saved training', () => {
  it.each<OptimiserSpec>([
    { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
    { kind: 'adam' },
    { kind: 'adamw' },
  ])('goes on byte for byte after any step: $kind', async (optimiser) => {
    for (const stop of [0, 1, 5]) {
      await using whole = await open({ ...everything, optimiser });
      whole.setAnchor(tensorsOf(recorded.anchor));
      whole.setControlVariate(tensorsOf(recorded.control));
      for (const batch of batches.slice(0, stop)) await whole.step(batch, { learningRate: 0.05 });
      await using resumed = await open({ ...everything, optimiser });
      const [weights, state] = [whole.weights(), whole.state()];
      resumed.setWeights(weights);
      resumed.setState(state);
      for (const batch of batches.slice(stop, stop + 4)) {
        const [a, b] = [
          await whole.step(batch, { learningRate: 0.05 }),
          await resumed.step(batch, { learningRate: 0.05 }),
        ];
        expect(b).toEqual(a);
      }
      expect(bytesOf(resumed.weights())).toEqual(bytesOf(whole.weights()));
      expect(bytesOf(resumed.state())).toEqual(bytesOf(whole.state()));
      expect(bytesOf(resumed.averagedWeights())).toEqual(bytesOf(whole.averagedWeights()));
    }
  });

  it('is a copy: later steps do not change it', async () => {
    await using program = await open(everything);
    program.setAnchor(tensorsOf(recorded.anchor));
    await program.step(batches[0]!, { learningRate: 0.05 });
    const saved = [program.weights(), program.state(), program.averagedWeights()];
    const bytes = saved.map(bytesOf);
    await program.step(batches[1]!, { learningRate: 0.05 });
    expect(saved.map(bytesOf)).toEqual(bytes);
    expect(bytesOf(program.weights())).not.toEqual(bytes[0]);
  });

  it.each<[string, Partial<TrainingSpec>, (state: Map<string, Tensor>) => void]>([
    ['another optimiser', { optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true } }, () => {}],
    ['one without a moving average', { averageDecay: 0.9 }, () => {}],
    ['no step count', {}, (state) => state.delete('step')],
    ['a moment missing', {}, (state) => state.delete('second/w1')],
    ['all moments missing', {}, (state) => ['w1', 'w2'].forEach((name) => void state.delete(`second/${name}`))],
    ['a moment of another shape', {}, (state) => state.set('first/w1', tensor('float32', [3, 4]))],
    ['a moment of another network', {}, (state) => state.set('first/w3', tensor('float32', [1]))],
    ['half a control variate', { controlVariate: true }, (state) => state.set('control/w1', tensor('float32', [4, 3]))],
    [
      'a control variate where there is none',
      {},
      (state) => tensorsOf(recorded.control).forEach((value, name) => void state.set(`control/${name}`, value)),
    ],
  ])('with %s is refused and changes nothing', async (_, spec, spoil) => {
    await using source = await open();
    await source.step(batches[0]!, { learningRate: 0.05 });
    const state = new Map(source.state());
    spoil(state);
    await using program = await open(spec);
    const before = bytesOf(program.state());
    expect(() => program.setState(state)).toThrow(expect.objectContaining({ code: 'engine.state-mismatch' }));
    expect(bytesOf(program.state())).toEqual(before);
  });
});

describe('a training program', () => {
  it('trains only what it is told to', async () => {
    await using program = await open({ trainable: (name) => name === 'w2' });
    const before = bytesOf(program.weights());
    await program.step(batches[0]!, { learningRate: 0.05 });
    const after = bytesOf(program.weights());
    expect(after['w1']).toBe(before['w1']);
    expect(after['w2']).not.toBe(before['w2']);
    expect([...program.state().keys()]).toEqual(['step', 'first/w2', 'second/w2']);
  });

  it('reports what it is asked to monitor', async () => {
    await using program = await open();
    const { loss, monitors } = await program.step(batches[0]!, { learningRate: 0 });
    const squares = [...(monitors['difference']!.data as Float32Array)].map((value) => value ** 2);
    expect(squares.reduce((a, b) => a + b) / squares.length).toBeCloseTo(loss, 5);
  });

  it('refuses weights of another network and keeps its own', async () => {
    await using program = await open({ controlVariate: true });
    const before = bytesOf(program.weights());
    const { w1, w2 } = Object.fromEntries(tensorsOf(recorded.start));
    const swapped = new Map([['w1', w2!] as const, ['w2', w1!] as const]);
    const mismatch = expect.objectContaining({ code: 'engine.weights-mismatch' });
    for (const wrong of [new Map([['w1', w1!]]), swapped, new Map([...tensorsOf(recorded.start), ['w3', w1!]])]) {
      expect(() => program.setWeights(wrong)).toThrow(mismatch);
      expect(() => program.setAnchor(wrong)).toThrow(mismatch);
      expect(() => program.setControlVariate(wrong)).toThrow(mismatch);
    }
    expect(bytesOf(program.weights())).toEqual(before);
  });

  it('names an operator without a rule before a session is opened', async () => {
    let opened = 0;
    const node = nodeRuntime();
    const runtime: Runtime = {
      name: 'counting',
      open: (...request) => {
        opened += 1;
        return node.open(...request);
      },
    };
    const loss: TrainingSpec['loss'] = (g, { y }) => ({
      loss: g.op('ReduceSum', [g.op('HardSwish', [g.op('Celu', [y!])])], { keepdims: 0 }),
    });
    const opening = createTrainingProgram(runtime, { model: network(), loss, optimiser: adam });
    await expect(opening).rejects.toMatchObject({
      code: 'engine.operator-not-differentiable',
      message: expect.stringMatching(/Celu.*HardSwish/),
    });
    expect(opened).toBe(0);
  });
});
