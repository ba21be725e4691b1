import { createRandom, NoiseSource, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { NoisyUpdate } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { protectedUpdate, spendOf } from './noisy-update.ts';
import { epsilonOf } from './privacy-loss.ts';

function seeded(seed: number): NoiseSource {
  const random = createRandom(seed, 'noise');
  return new NoiseSource((into) => {
    for (let index = 0; index < into.length; index++) into[index] = random.uint32();
  });
}

const weightsOf = (...values: number[]): Weights =>
  new Map<string, Tensor>([
    ['a', tensor('float32', [2], Float32Array.from(values.slice(0, 2)))],
    ['b', tensor('float64', [values.length - 2], Float64Array.from(values.slice(2)))],
  ]);
const flat = (weights: Weights) => [...weights.values()].flatMap(({ data }) => [...(data as Float64Array)]);
const start = weightsOf(1, 2, 3, 4);
const quiet: NoisyUpdate = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 1e-9 };
const update = (trained: Weights, privacy = quiet, clipNorm = privacy.clipNorm) =>
  protectedUpdate({ start, trained, privacy, clipNorm, noise: seeded(1) });

describe('a noisy update', () => {
  it('is shortened to the norm over all tensors together, and left alone if it is shorter', () => {
    const far = flat(update(weightsOf(1, 2, 3 + 30, 4 - 40)).weights);
    [1, 2, 3.6, 3.2].forEach((expected, index) => {
      expect(far[index]!).toBeCloseTo(expected, 6);
    });
    const near = flat(update(weightsOf(1.5, 2, 3, 4.25)).weights);
    [1.5, 2, 3, 4.25].forEach((expected, index) => {
      expect(near[index]!).toBeCloseTo(expected, 6);
    });
    expect([...update(start).weights.values()].map(({ dtype }) => dtype)).toEqual(['float32', 'float64']);
  });

  it('that is not finite is none', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const own = flat(update(weightsOf(5, 2, bad, 4)).weights);
      [1, 2, 3, 4].forEach((expected, index) => {
        expect(own[index]!).toBeCloseTo(expected, 6);
      });
    }
  });

  it('has noise of the deviation that was asked for, or of the share that is this site’s', () => {
    const many = 40_000;
    const zeros: Weights = new Map([['w', tensor('float64', [many])]]);
    for (const noiseShare of [1, 1 / Math.sqrt(6)]) {
      const { weights } = protectedUpdate({
        start: zeros,
        trained: zeros,
        privacy: { ...quiet, noiseMultiplier: 0.3 },
        clipNorm: 5,
        noise: seeded(2),
        noiseShare,
      });
      const variance = flat(weights).reduce((sum, value) => sum + value * value, 0) / many;
      expect(Math.abs(variance / (noiseShare * 0.3 * 5) ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / many));
    }
  });

  it('finds the norm below which the quantile of its updates lies', () => {
    const random = createRandom(4, 'norms');
    const adaptive = { quantile: 0.5, rate: 0.2, countNoise: 0.5 };
    const noise = seeded(3);
    const found: number[] = [];
    let clipNorm = 100;
    for (let round = 0; round < 600; round++) {
      const trained = weightsOf(1, 2, 3 + random.between(1, 3), 4);
      const privacy = { ...quiet, adaptive };
      clipNorm = protectedUpdate({ start, trained, privacy, clipNorm, noise }).nextClipNorm;
      if (round > 200) found.push(clipNorm);
    }
    expect(found.sort((a, b) => a - b)[200]).toBeGreaterThan(1.6);
    expect(found[200]).toBeLessThan(2.4);
    expect(update(start).nextClipNorm).toBe(quiet.clipNorm);
  });
});

describe('the price of a round', () => {
  it('of DP-SGD is that of its steps, of a noisy update that of one Gaussian with half the noise', () => {
    const sgd = { kind: 'dp-sgd', clipNorm: 3, noiseMultiplier: 1.1, samplingRate: 0.2 } as const;
    expect(spendOf(sgd, 18)).toEqual({ samplingRate: 0.2, noiseMultiplier: 1.1, steps: 18 });
    expect(spendOf({ ...quiet, noiseMultiplier: 4 }, 18)).toEqual({ samplingRate: 1, noiseMultiplier: 2, steps: 1 });
  });

  it('with adaptive clipping is that of both releases', () => {
    const adaptive = { quantile: 0.5, rate: 0.2, countNoise: 3 };
    const together = epsilonOf([spendOf({ ...quiet, noiseMultiplier: 4, adaptive }, 1)], 1e-5);
    const apart = epsilonOf(
      [2, 3].map((noiseMultiplier) => ({ samplingRate: 1, noiseMultiplier, steps: 1 })),
      1e-5,
    );
    expect(together).toBeCloseTo(apart, 9);
  });
});
