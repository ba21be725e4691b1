import { createRandom, type Tensor } from '@consilium/numerics';
import { describe, it } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import type { Attributes } from '../model.ts';
import { distinctTensor, expectDerivative, fixed, randomTensor } from './finite-difference.fixture.ts';

const single = { step: 1e-2, tolerance: 3e-3 };
const exact = { step: 1e-5, tolerance: 1e-7 };

/** Values away from 0, so that no kink lies within a step. */
function awayFromZero(values: Tensor): Tensor {
  return tensorOf(
    values.dtype,
    values.shape,
    Array.from(values.data as Float32Array, (x) => x + Math.sign(x) * 0.1),
  );
}

describe('the derivative of', () => {
  it.each<[string, Attributes?]>([
    ['Relu'],
    ['LeakyRelu', { alpha: 0.1 }],
    ['LeakyRelu', { alpha: 0 }],
    ['LeakyRelu', { alpha: -0.2 }],
    ['Elu', { alpha: 1.3 }],
    ['Sigmoid'],
    ['Tanh'],
    ['Erf'],
    ['Softplus'],
    ['Mish'],
    ['Gelu'],
    ['Gelu', { approximate: 'tanh' }],
    ['Softmax', { axis: 1 }],
    ['Softmax', { axis: -1 }],
    ['LogSoftmax', { axis: 1 }],
    ['Exp'],
    ['Neg'],
    ['Abs'],
    ['Sin'],
    ['Cos'],
    ['Identity'],
  ])('%s %o agrees with differences', async (type, attributes) => {
    for (const seed of [1, 2, 3]) {
      const random = createRandom(type, seed);
      const shape = [2, 3, random.integer(1, 6), random.integer(1, 6)];
      const inputs = [awayFromZero(randomTensor(random, shape, { low: -2, high: 2 }))];
      await expectDerivative(random, { inputs, build: (g, x) => g.op(type, [x!], attributes ?? {}), ...single });
    }
  });

  it.each(['Log', 'Sqrt', 'Reciprocal'])('%s agrees with differences', async (type) => {
    const random = createRandom(type);
    const inputs = [randomTensor(random, [3, 7], { dtype: 'float64', low: 0.5, high: 3 })];
    await expectDerivative(random, { inputs, build: (g, x) => g.op(type, [x!]), ...exact });
  });

  it.each(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Sum', 'Mean'])(
    '%s agrees with differences, whatever is broadcast',
    async (type) => {
      const shapes: [number[], number[]][] = [
        [
          [2, 3, 4],
          [2, 3, 4],
        ],
        [
          [2, 3, 4],
          [3, 1],
        ],
        [[4], [2, 1, 4]],
        [
          [2, 1, 4],
          [1, 3, 1],
        ],
        [[], [3, 2]],
      ];
      for (const [index, [left, right]] of shapes.entries()) {
        const random = createRandom(type, index);
        const dtype = type === 'Mean' ? 'float32' : 'float64'; // ONNX Runtime has no Mean of float64
        const bounds = { dtype, low: 0.5, high: 2 } as const;
        const inputs = [randomTensor(random, left, bounds), randomTensor(random, right, bounds)];
        await expectDerivative(random, {
          inputs,
          build: (g, a, b) => g.op(type, [a!, b!]),
          ...(type === 'Mean' ? single : exact),
        });
      }
    },
  );

  it('HardSigmoid agrees with differences on both sides of its kinks', async () => {
    const random = createRandom('HardSigmoid');
    const inputs = [distinctTensor(random, [4, 6])];
    await expectDerivative(random, { inputs, build: (g, x) => g.op('HardSigmoid', [x!], { alpha: 1 }), ...single });
  });

  it('PRelu agrees with differences, one slope a channel', async () => {
    const random = createRandom('PRelu');
    const inputs = [awayFromZero(randomTensor(random, [2, 3, 4, 5])), randomTensor(random, [3, 1, 1])];
    await expectDerivative(random, { inputs, build: (g, x, slope) => g.op('PRelu', [x!, slope!]), ...single });
  });

  it('Clip agrees with differences, with both, one or no bound', async () => {
    const random = createRandom('Clip');
    const inputs = [distinctTensor(random, [4, 5], 'float64')];
    for (const [low, high] of [
      [-0.5, 0.5],
      [null, 0.3],
      [0.1, null],
      [null, null],
    ] as const) {
      const bound = (value: number | null): Tensor | null => (value === null ? null : tensorOf('float64', [], [value]));
      await expectDerivative(random, {
        inputs,
        build: (g, x) => g.op('Clip', [x!, ...[bound(low), bound(high)].map((each) => each && fixed(g, each))]),
        ...exact,
      });
    }
  });

  it('Where agrees with differences', async () => {
    const random = createRandom('Where');
    const inputs = [
      randomTensor(random, [3, 1], { dtype: 'float64' }),
      randomTensor(random, [4], { dtype: 'float64' }),
    ];
    const condition = tensorOf('bool', [3, 4], [1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0]);
    await expectDerivative(random, {
      inputs,
      build: (g, a, b) => g.op('Where', [fixed(g, condition), a!, b!]),
      ...exact,
    });
  });

  it('Sign, Floor, Ceil and Round is zero', async () => {
    const random = createRandom('steps');
    for (const type of ['Sign', 'Floor', 'Ceil', 'Round']) {
      const inputs = [distinctTensor(random, [9], 'float64')];
      await expectDerivative(random, { inputs, build: (g, x) => g.op(type, [x!]), ...exact });
    }
  });

  it('a GELU, a SiLU and a Mish made of other operators agrees with differences', async () => {
    const random = createRandom('composed');
    const inputs = [randomTensor(random, [3, 7], { low: -3, high: 3 })];
    await expectDerivative(random, {
      inputs,
      build: (g, x) => {
        const erf = g.op('Erf', [g.op('Div', [x!, g.scalar(Math.SQRT2)])]);
        const gelu = g.op('Mul', [g.op('Mul', [x!, g.scalar(0.5)]), g.op('Add', [erf, g.scalar(1)])]);
        const silu = g.op('Mul', [x!, g.op('Sigmoid', [x!])]);
        return g.op('Add', [gelu, g.op('Mul', [silu, g.op('Tanh', [g.op('Softplus', [x!])])])]);
      },
      ...single,
    });
  });
});
