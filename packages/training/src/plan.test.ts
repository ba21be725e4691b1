import type { Triple } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ballCase } from './case.fixture.ts';
import { type Fingerprint, fingerprintOf, mergeFingerprints } from './fingerprint.ts';
import { HistogramBuilder } from './histogram.ts';
import { makePlan, type Plan, parsePlan } from './plan.ts';
import recordedTopologies from './recorded/topology.json' with { type: 'json' };
import { kidneyClasses } from './regions.ts';
import { topologyFor, trainingMemoryMb } from './topology.ts';
import { TrainingError } from './training-error.ts';

const histogramOf = (bins: { binWidth: number; low: number; high: number }, values: readonly number[]) => {
  const builder = new HistogramBuilder(bins);
  for (const value of values) builder.add(value);
  return builder.build();
};
const spacings = (...values: number[]) => histogramOf({ binWidth: 0.02, low: 0, high: 50 }, values);
const extents = (...values: number[]) => histogramOf({ binWidth: 4, low: 0, high: 3000 }, values);

/** Three cases of KiTS size: 0.78 mm in plane, slices of 0.8, 3 and 5 mm. */
const kitsLike: Fingerprint = {
  version: 1,
  cases: 300,
  spacingMm: [spacings(0.8, 3, 5), spacings(0.78, 0.78, 0.78), spacings(0.78, 0.78, 0.78)],
  extentMm: [extents(320, 320, 320), extents(260, 260, 260), extents(360, 360, 360)],
  foregroundHu: histogramOf(
    { binWidth: 1, low: -1024, high: 3071 },
    Array.from({ length: 1001 }, (_, index) => index - 400),
  ),
  classes: [{ value: 1, cases: 300, totalMm3: 1 }],
};

const refusalOf = (json: unknown): string => {
  try {
    parsePlan(json);
  } catch (error) {
    if (error instanceof TrainingError && error.code === 'training.plan-malformed') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('a plan of a network that is clicked on', () => {
  const planned = (size: 'small' | 'full') => makePlan(kitsLike, { memoryBudgetMb: 4000, size, interactive: true });

  it.each(['small', 'full'] as const)('gives the %s network clicks and the mask so far, and two classes', (size) => {
    const { interactive, network, regions, patchSize } = planned(size);
    expect(network).toMatchObject({ inputChannels: 4, classes: 2, upSampling: 'nearest' });
    expect(interactive!.classes).toEqual(kidneyClasses.map(({ value }) => value));
    expect(regions).toEqual(kidneyClasses.map(({ name, value }) => ({ name, classes: [value] })));
    expect(Math.max(...patchSize)).toBeLessThanOrEqual(size === 'small' ? 32 : 64);
  });

  it.each([
    [{ network: { ...planned('small').network, inputChannels: 1 } }, 'network.inputChannels'],
    [{ network: { ...planned('small').network, classes: 4 } }, 'network.classes'],
    [{ interactive: { ...planned('small').interactive, classes: [9] } }, 'interactive.classes.0'],
    [{ interactive: { ...planned('small').interactive, classes: [1, 1] } }, 'interactive.classes'],
    [{ interactive: { ...planned('small').interactive, evaluation: { clicks: [3, 1], scored: 1 } } }, 'ascend'],
    [{ interactive: { ...planned('small').interactive, evaluation: { clicks: [1, 3], scored: 2 } } }, 'one of clicks'],
    [{ loss: { ...planned('small').loss, ignoreLabel: 7 } }, 'loss.ignoreLabel'],
    [{ interactive: { ...planned('small').interactive, sound: true } }, 'sound'],
  ])('is refused with %j, naming the field', (changes, named) => {
    expect(refusalOf({ ...planned('small'), ...changes })).toContain(named);
  });
});

describe('a plan made from a fingerprint', () => {
  it('takes the median voxel', () => {
    const isotropic: Fingerprint = {
      ...kitsLike,
      spacingMm: [spacings(1, 1.5, 2), spacings(0.7, 0.8, 0.9), spacings(0.7, 0.8, 0.9)],
    };
    expect(makePlan(isotropic, { memoryBudgetMb: 4000 }).spacingMm).toEqual([1.5, 0.8, 0.8]);
  });

  it('takes the 10th percentile of the slice spacing where slices are more than 3 times as thick', () => {
    const { spacingMm } = makePlan(kitsLike, { memoryBudgetMb: 4000 });
    // numpy.percentile([0.8, 3, 5], 10) = 1.24
    expect(spacingMm).toEqual([1.24, 0.78, 0.78]);
  });

  it('clips at the 0.5 and 99.5 percentiles and normalises by the foreground', () => {
    const { clipHu, mean, std } = makePlan(kitsLike, { memoryBudgetMb: 4000 }).normalisation;
    expect(clipHu).toEqual([-395, 595]);
    expect(mean).toBe(100);
    expect(std).toBeCloseTo(Math.sqrt((1001 ** 2 - 1) / 12), 1);
  });

  it('normalises each phase of enough cases by its own foreground, if asked to', () => {
    const of = (phase: 'unenhanced' | 'nephrographic', cases: number, hu: number) => ({
      ...{ phase, cases },
      foregroundHu: histogramOf({ binWidth: 1, low: -1024, high: 3071 }, [hu - 10, hu + 10]),
    });
    const phased: Fingerprint = { ...kitsLike, phases: [of('unenhanced', 9, 35), of('nephrographic', 10, 160)] };
    const asked = makePlan(phased, { memoryBudgetMb: 4000, normaliseByPhase: true });
    const { phases, ...global } = asked.normalisation;
    expect(phases).toEqual({ nephrographic: { mean: 160, std: 10 } });
    const plain = makePlan(kitsLike, { memoryBudgetMb: 4000 });
    expect(global).toEqual(plain.normalisation);
    expect(makePlan(phased, { memoryBudgetMb: 4000 })).toEqual(plain);
    expect(makePlan(kitsLike, { memoryBudgetMb: 4000, normaliseByPhase: true })).toEqual(plain);
    expect(parsePlan(JSON.parse(JSON.stringify(asked)))).toEqual(asked);
    const wrong = { ...asked, normalisation: { ...asked.normalisation, phases: { venous: { mean: 1, std: 1 } } } };
    expect(refusalOf(wrong)).toContain('plan.normalisation.phases');
  });

  it('keeps the memory estimate within the budget, with a patch that every stride divides', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 600, max: 30_000 }),
        fc.double({ min: 0.5, max: 6, noNaN: true }),
        (memoryBudgetMb, thickness) => {
          const fingerprint: Fingerprint = {
            ...kitsLike,
            spacingMm: [spacings(thickness), spacings(0.8), spacings(0.8)],
          };
          const plan = makePlan(fingerprint, { memoryBudgetMb });
          expect(trainingMemoryMb(plan.network, plan.patchSize, plan.batchSize)).toBeLessThanOrEqual(memoryBudgetMb);
          for (const axis of [0, 1, 2] as const) {
            const divisor = plan.network.strides.reduce((product, stride) => product * stride[axis], 1);
            expect(plan.patchSize[axis] % divisor).toBe(0);
            expect(plan.patchSize[axis] / divisor).toBeGreaterThanOrEqual(4);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('uses more memory if it may', () => {
    const voxels = (memoryBudgetMb: number) => {
      const { patchSize, batchSize } = makePlan(kitsLike, { memoryBudgetMb });
      return patchSize[0] * patchSize[1] * patchSize[2] * batchSize;
    };
    expect(voxels(8000)).toBeGreaterThan(2 * voxels(2000));
  });

  it('is small where minutes on two cores have to do', () => {
    const plan = makePlan(kitsLike, { memoryBudgetMb: 1500, size: 'small' });
    expect(plan.spacingMm).toEqual([4, 4, 4]);
    expect(plan.patchSize).toEqual([16, 32, 32]);
    expect(plan.network.channels).toEqual([8, 16, 32, 64]);
    expect(plan.batchSize).toBe(2);
  });

  it('works for phantoms and for a single small case', async () => {
    const plan = makePlan(await fingerprintOf([ballCase()]), {
      memoryBudgetMb: 1000,
      size: 'small',
      classes: kidneyClasses,
    });
    expect(plan.patchSize.every((size, axis) => size <= [16, 32, 32][axis]!)).toBe(true);
    expect(plan.regions.map(({ name }) => name)).toEqual(['kidney', 'tumour', 'cyst']);
  });

  it('is refused without a case and with too little memory', () => {
    expect(() => makePlan(mergeFingerprints([]), { memoryBudgetMb: 1000 })).toThrow(
      expect.objectContaining({ code: 'training.no-case' }),
    );
    expect(() => makePlan(kitsLike, { memoryBudgetMb: 151 })).toThrow(
      expect.objectContaining({ code: 'training.memory-budget-too-small' }),
    );
  });
});

describe('a plan read from a file', () => {
  const plan = makePlan(kitsLike, { memoryBudgetMb: 4000 });
  const edited = (change: (plan: { -readonly [Key in keyof Plan]: Plan[Key] }) => void): unknown => {
    const copy = structuredClone(plan);
    change(copy);
    return copy;
  };

  it('is the plan that was written', () => {
    expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  });

  it.each([
    [
      'plan.patchSize.0: must be a multiple of',
      edited((copy) => {
        copy.patchSize = [33, 48, 48];
      }),
    ],
    [
      'plan.batchSize',
      edited((copy) => {
        copy.batchSize = 0;
      }),
    ],
    [
      'plan.regions.0.classes: 7 is not',
      edited((copy) => {
        copy.regions = [{ name: 'a', classes: [7] }];
      }),
    ],
    [
      'plan.normalisation.clipHu: the lower',
      edited((copy) => {
        copy.normalisation = { ...copy.normalisation, clipHu: [5, 5] };
      }),
    ],
    [
      'plan.network.classes: must be larger',
      edited((copy) => {
        copy.network = { ...copy.network, classes: 3 };
      }),
    ],
    [
      'plan.classes: two classes',
      edited((copy) => {
        copy.classes = [copy.classes[0]!, copy.classes[0]!];
      }),
    ],
    [
      'plan.augmentation.scaling.factor',
      edited((copy) => {
        copy.augmentation = { ...copy.augmentation, scaling: { probability: 1, factor: [0, 1] } };
      }),
    ],
    [
      'plan.inference.overlap',
      edited((copy) => {
        copy.inference = { overlap: 1, flips: false };
      }),
    ],
    ['batchsize', { ...plan, batchsize: 2 }],
    ['plan: ', null],
  ])('is refused by the name of the field: %s', (expected, json) => {
    expect(refusalOf(json)).toContain(expected);
  });
});

describe('the depth of a network', () => {
  it('is nnU-Net’s, for any patch and spacing', () => {
    expect(recordedTopologies).toHaveLength(120);
    for (const { patch, spacingMm, ...expected } of recordedTopologies) {
      const { divisor, ...topology } = topologyFor(patch as unknown as Triple, spacingMm as unknown as Triple, 99);
      expect(topology, `patch ${patch} of ${spacingMm} mm`).toEqual(expected);
    }
  });

  it('halves each axis while 4 voxels are left, thick slices last', () => {
    expect(topologyFor([32, 48, 48], [4, 4, 4], 6).strides).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [2, 2, 2],
      [2, 2, 2],
    ]);
    const thick = topologyFor([16, 128, 128], [5, 0.8, 0.8], 6);
    expect(thick.strides.slice(0, 4)).toEqual([
      [1, 1, 1],
      [1, 2, 2],
      [1, 2, 2],
      [2, 2, 2],
    ]);
    expect(thick.kernelSizes[0]).toEqual([1, 3, 3]);
    expect(thick.kernelSizes.at(-1)).toEqual([3, 3, 3]);
  });
});
