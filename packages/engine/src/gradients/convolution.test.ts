import { createRandom, type Random } from '@consilium/numerics';
import { describe, it } from 'vitest';
import { expectDerivative, randomTensor } from './finite-difference.fixture.ts';

const pick = (random: Random, count: number, low: number, high: number): number[] =>
  Array.from({ length: count }, () => random.integer(low, high + 1));

describe.each([1, 2, 3])('the derivative of a convolution over %d axes', (rank) => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'holds for any stride, dilation, group and padding (seed %d)',
    async (seed) => {
      const random = createRandom('convolution', rank, seed);
      const group = random.choice([1, 1, 2, 3]);
      const [ci, co] = [group * random.integer(1, 4), group * random.integer(1, 4)];
      const kernel = pick(random, rank, 1, 3);
      const dilations = pick(random, rank, 1, 2);
      const strides = pick(random, rank, 1, seed % 2 === 0 ? 1 : 3);
      const pads = pick(random, 2 * rank, 0, seed % 3);
      const size = pick(random, rank, 5, 8);
      const automatic = seed === 7 ? { auto_pad: 'SAME_UPPER' } : { pads };
      await expectDerivative(random, {
        inputs: [
          randomTensor(random, [random.integer(1, 3), ci, ...size]),
          randomTensor(random, [co, ci / group, ...kernel]),
          randomTensor(random, [co]),
        ],
        build: (g, x, w, b) =>
          g.op('Conv', [x!, w!, b!], {
            group,
            strides,
            dilations: seed === 7 ? dilations.map(() => 1) : dilations,
            kernel_shape: kernel,
            ...automatic,
          }),
        step: 0.5,
        tolerance: 1e-4,
      });
    },
  );

  it.each(Array.from({ length: 8 }, (_, seed) => seed))('holds when it is transposed (seed %d)', async (seed) => {
    const random = createRandom('transposed', rank, seed);
    const group = random.choice([1, 1, 2]);
    const [ci, co] = [group * random.integer(1, 4), random.integer(1, 4)];
    const upsampling = seed < 2;
    const kernel = pick(random, rank, 2, 3);
    const strides = upsampling ? kernel : pick(random, rank, 1, 3);
    const dilations = upsampling ? kernel.map(() => 1) : pick(random, rank, 1, 2);
    const pads = upsampling ? pick(random, 2 * rank, 0, 0) : pick(random, 2 * rank, 0, 1);
    const extra = upsampling ? strides.map(() => 0) : strides.map((stride) => random.integer(0, stride));
    await expectDerivative(random, {
      inputs: [
        randomTensor(random, [random.integer(1, 3), ci, ...pick(random, rank, 3, 5)]),
        randomTensor(random, [ci, co, ...kernel]),
        randomTensor(random, [co * group]),
      ],
      build: (g, x, w, b) =>
        g.op('ConvTranspose', [x!, w!, b!], { group, strides, dilations, pads, output_padding: extra }),
      step: 0.5,
      tolerance: 1e-4,
    });
  });
});

describe('the derivative of a 3 x 3 x 3 convolution', () => {
  it.each([
    { size: [8, 8, 8], batch: 1, channels: [1, 4] },
    { size: [16, 12, 10], batch: 1, channels: [3, 5] },
    { size: [18, 17, 16], batch: 2, channels: [2, 3] },
    { size: [32, 16, 16], batch: 1, channels: [4, 2] },
    { size: [20, 128, 120], batch: 1, channels: [2, 2] }, // several slabs
    { size: [20, 120, 128], batch: 1, channels: [3, 1] },
  ])('holds in the formulation for $size', async ({ size, batch, channels: [ci, co] }) => {
    const random = createRandom('flat', ...size);
    await expectDerivative(random, {
      inputs: [randomTensor(random, [batch, ci!, ...size]), randomTensor(random, [co!, ci!, 3, 3, 3])],
      build: (g, x, w) => g.op('Conv', [x!, w!], { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] }),
      step: 0.5,
      tolerance: 1e-4,
    });
  });
});
