import { createRandom, NoiseSource, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { NoisyUpdate, Privacy } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJob } from '../job.ts';
import { MemoryStore } from '../memory-store.ts';
import { latticeOf, quantise, wholeAt } from '../secure-sum/lattice.ts';
import { putModel, simulatedJob } from '../simulator/simulation.ts';
import { protectedUpdate, spendOf } from './noisy-update.ts';
import { epsilonOf } from './privacy-loss.ts';
import { noiseShareOf, shareObjection } from './shared-noise.ts';

const seeded = (seed: number): NoiseSource => {
  const random = createRandom(seed, 'shares');
  return new NoiseSource((into) => {
    for (let index = 0; index < into.length; index++) into[index] = random.uint32();
  });
};

describe('noise of which each site adds a part', () => {
  it('is, in a sum of the threshold or more, at least what each site was promised', () => {
    const hospital = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.array(hospital, { minLength: 8, maxLength: 12 }), (sites, all) => {
        const casesMax = Math.max(...all);
        // Whoever is left: also those alone who count least.
        for (const present of [all.slice(0, sites), all.toSorted((a, b) => a - b).slice(0, sites), all]) {
          const variance = present.reduce(
            (sum, cases) => sum + (cases * noiseShareOf({ sites, cases, casesMax })) ** 2,
            0,
          );
          for (const cases of present) {
            // In units of z and of what this site can move the sum by, which is 2 S cases.
            expect(Math.sqrt(variance) / (2 * cases)).toBeGreaterThanOrEqual(0.5 * (1 - 1e-12));
          }
        }
        // One less than the threshold, all of one size, and it is less.
        const few = (sites - 1) * noiseShareOf({ sites, cases: casesMax, casesMax }) ** 2;
        expect(Math.sqrt(few) / 2).toBeLessThan(0.5);
      }),
      { numRuns: 50 },
    );
  });

  it('comes out of the lattice as it went in: the ε that is measured is no more than the one that is counted', () => {
    const numbers = 30_000;
    const privacy: NoisyUpdate = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 3, noiseSharedAmong: 3 };
    const cases = [4, 7, 10];
    const settings = { clip: 120, bits: 24, casesMax: 10 };
    const lattice = latticeOf(settings, 3)!;
    const zeros: Weights = new Map([['w', tensor('float64', [numbers])]]);
    const sum = new Float64Array(numbers);
    cases.forEach((own, index) => {
      const noiseShare = noiseShareOf({ sites: 3, cases: own, casesMax: settings.casesMax });
      expect(shareObjection(privacy, noiseShare, settings)).toBeNull();
      const update = { start: zeros, trained: zeros, privacy, clipNorm: 1, noise: seeded(index), noiseShare };
      const { data } = protectedUpdate(update).weights.get('w') as Tensor;
      const words = new Uint32Array(lattice.words * numbers);
      const chance = Uint32Array.from({ length: numbers }, (_, at) => (at * 2654435761) >>> 0);
      quantise(data as Float64Array, new Float64Array(numbers), words, { lattice, cases: own, chance });
      for (let at = 0; at < numbers; at++) sum[at]! += wholeAt(words, lattice.words * at, lattice.words) * lattice.unit;
    });
    const deviation = Math.sqrt(sum.reduce((total, value) => total + value * value, 0) / numbers);
    const { clipNorm, noiseMultiplier } = privacy;
    const off = deviation / (noiseMultiplier * clipNorm * settings.casesMax) - 1;
    expect(Math.abs(off)).toBeLessThan(4 / Math.sqrt(2 * numbers));
    const measured = epsilonOf(
      [{ samplingRate: 1, noiseMultiplier: deviation / (2 * clipNorm * Math.max(...cases)), steps: 1 }],
      1e-5,
    );
    expect(measured).toBeLessThan(epsilonOf([spendOf(privacy, 1)], 1e-5) * 1.03);
  });

  it('is none where the lattice would cut or hide it', () => {
    const update = { clipNorm: 1, noiseMultiplier: 0.1 };
    expect(shareObjection(update, 1, { clip: 1.89, bits: 16 })).toMatch(/cut.*1\.9/);
    expect(shareObjection(update, 1, { clip: 1.91, bits: 16 })).toBeNull();
    expect(shareObjection(update, 1, { clip: 1.91, bits: 6 })).toMatch(/bits/);
  });

  it.each<[string, Partial<NoisyUpdate>, number | null]>([
    ['without secure aggregation', {}, null],
    ['among more sites than a sum may be of', { noiseSharedAmong: 4 }, 3],
    ['with norms that differ from site to site', { adaptive: { quantile: 0.5, rate: 0.2, countNoise: 3 } }, 3],
  ])('is refused by the coordinator %s', async (_, changes, threshold) => {
    const store = new MemoryStore();
    await putModel(store);
    const privacy: Privacy = {
      ...{ kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 1, noiseSharedAmong: 3 },
      ...changes,
    };
    const job = { ...simulatedJob(), minimumSites: 3, privacy };
    const secureAggregation = { threshold: 3, clip: 30, bits: 16, casesMax: 100, rounding: 'nearest' };
    const asked = threshold === null ? job : { ...job, secureAggregation };
    await expect(checkJob(asked, store)).rejects.toMatchObject({
      code: 'federation.bad-job',
      message: expect.stringContaining('noiseSharedAmong'),
    });
    const right = { ...job, privacy: { ...privacy, noiseSharedAmong: 3, adaptive: undefined }, secureAggregation };
    await expect(checkJob(right, store)).resolves.toMatchObject({ privacy: { noiseSharedAmong: 3 } });
  });
});
