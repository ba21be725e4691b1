/** Calibration against scikit-learn's values, and what must hold of any network. */
import { nodeRuntime } from '@consilium/engine/node';
import { axisAligned, type LabelMap, type Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { noAugmentation } from './augmentation/augmentation-spec.ts';
import { CaseCalibration, type RegionCalibration } from './calibration.ts';
import { ballCase, smallPlan } from './case.fixture.ts';
import { Predictor } from './inference.ts';
import { buildNetwork } from './networks/network.ts';
import recorded from './recorded/calibration.json' with { type: 'json' };
import { pseudo } from './recorded/pseudo.fixture.ts';

const channels = 4;

/** At 1 mm the margin reaches over all of these small volumes. */
function labelsOf(voxels: ArrayLike<number>, size: Triple, spacing = 1): LabelMap {
  const geometry = axisAligned({ size, spacingMm: [spacing, spacing, spacing], originMm: [0, 0, 0] });
  return { geometry, voxels: Uint8Array.from(voxels) };
}

/** In slabs that end before these planes; logits `[c, z, y, x]`. */
function calibrated(
  labels: LabelMap,
  logits: Float32Array,
  cuts: readonly number[] = [],
): Readonly<Record<string, RegionCalibration | null>> {
  const { geometry } = labels;
  const [depth, height, width] = geometry.size;
  const plane = height * width;
  const meter = new CaseCalibration(labels, smallPlan);
  const edges = [...new Set([0, ...cuts.filter((cut) => cut < depth), depth])].sort((one, other) => one - other);
  for (const [index, first] of edges.slice(0, -1).entries()) {
    const count = edges[index + 1]! - first;
    const slab = new Float32Array(channels * count * plane);
    for (let channel = 0; channel < channels; channel++) {
      const from = (channel * depth + first) * plane;
      slab.set(logits.subarray(from, from + count * plane), channel * count * plane);
    }
    meter.add({ first, count, geometry, logits: slab });
  }
  return meter.finish();
}

it.each(recorded)('says what scikit-learn says of probabilities (logits up to $scale)', (truth) => {
  const { key, label, regions, scale, size } = truth;
  const logits = Float32Array.from(pseudo(channels * label.length, key), (value) => scale * value);
  const said = calibrated(labelsOf(label, size as [number, number, number]), logits);
  for (const [name, expected] of Object.entries(regions)) {
    const { bins, brier, ece } = said[name] ?? expect.unreachable();
    expect(brier).toBeCloseTo(expected.brier, 10);
    expect(ece).toBeCloseTo(expected.ece, 10);
    expect(bins.map(({ voxels }) => voxels)).toEqual(expected.counts);
    const filled = bins.filter(({ voxels }) => voxels > 0);
    for (const [index, { probability, reference, voxels }] of filled.entries()) {
      expect(probability / voxels).toBeCloseTo(expected.said[index]!, 10);
      expect(reference / voxels).toBeCloseTo(expected.observed[index]!, 10);
    }
  }
});

const size: Triple = [5, 3, 4];
const voxels = size[0] * size[1] * size[2];
const anyLabels = fc
  .array(fc.constantFrom(0, 0, 1, 2, 3), { minLength: voxels, maxLength: voxels })
  .map((values) => labelsOf(values, size));
const anyLogits = fc
  .array(fc.double({ min: -40, max: 40, noNaN: true }), {
    minLength: channels * voxels,
    maxLength: channels * voxels,
  })
  .map((values) => Float32Array.from(values));

it('is the same however the planes were divided, and never below 0 or above 1', () => {
  fc.assert(
    fc.property(anyLabels, anyLogits, fc.array(fc.nat(size[0])), (labels, logits, cuts) => {
      const whole = calibrated(labels, logits);
      expect(calibrated(labels, logits, cuts)).toEqual(whole);
      for (const [name, each] of Object.entries(whole)) {
        const { classes } = smallPlan.regions.find((region) => region.name === name)!;
        const held = labels.voxels.filter((value) => classes.includes(value)).length;
        if (each === null) {
          expect(held).toBe(0);
          continue;
        }
        const { bins, brier, ece } = each;
        for (const value of [brier, ece]) expect(value >= 0 && value <= 1).toBe(true);
        expect(bins.reduce((sum, { reference }) => sum + reference, 0)).toBe(held);
        for (const [bin, { probability, voxels: count }] of bins.entries()) {
          expect(probability).toBeGreaterThanOrEqual((bin / 10) * count - 1e-9);
          expect(probability).toBeLessThanOrEqual(((bin + 1) / 10) * count + 1e-9);
        }
      }
    }),
  );
});

it('is 0 of a network that is sure and right, and 1 of one that is sure and wrong', () => {
  const sure = (labels: LabelMap, shift: number) => {
    const logits = new Float32Array(channels * voxels).fill(-1000);
    labels.voxels.forEach((value, at) => {
      logits[((value + shift) % channels) * voxels + at] = 1000;
    });
    return calibrated(labels, logits);
  };
  fc.assert(
    fc.property(anyLabels, (labels) => {
      for (const each of Object.values(sure(labels, 0)))
        if (each !== null) expect(each).toMatchObject({ brier: 0, ece: 0 });
    }),
  );
  const { tumour } = sure(labelsOf(new Uint8Array(voxels).fill(2), size), 1);
  expect(tumour).toMatchObject({ brier: 1, ece: 1 });
});

it('counts voxels within 10 mm of the box around the reference, and says nothing of a region that is not there', () => {
  const long: Triple = [20, 1, 1];
  const labels = labelsOf(
    Array.from({ length: 20 }, (_, z) => (z === 9 ? 1 : 0)),
    long,
    4,
  );
  const said = calibrated(labels, new Float32Array(channels * 20));
  const { bins } = said['kidney-and-masses'] ?? expect.unreachable();
  // Three voxels of 4 mm on either side; of four equal logits three belong: 75 %.
  expect(bins.map(({ voxels: count }) => count)).toEqual([0, 0, 0, 0, 0, 0, 0, 7, 0, 0]);
  expect(bins[7]).toMatchObject({ reference: 1, probability: 7 * 0.75 });
  expect(said).toMatchObject({ masses: null, tumour: null });
});

it('says nothing of a network whose answers are not numbers', () => {
  const labels = labelsOf(new Uint8Array(voxels).fill(1), size);
  const logits = new Float32Array(channels * voxels);
  logits[7] = Number.NaN;
  expect(calibrated(labels, logits)['kidney-and-masses']).toBeNull();
});

it('listens to a predictor, whose prediction stays as it is', async () => {
  const plan = { ...smallPlan, augmentation: noAugmentation };
  const model = buildNetwork(plan.network, { ...plan, batchSize: 1, random: createRandom('calibration') });
  const { image, label } = ballCase();
  await using predictor = await Predictor.open({ runtime: nodeRuntime(), model, plan });
  const meter = new CaseCalibration(label, plan);
  const listened = await predictor.predict(image, { onSlices: (slices) => meter.add(slices) });
  expect(listened).toEqual(await predictor.predict(image));
  const { 'kidney-and-masses': kidney, tumour } = meter.finish();
  for (const each of [kidney, tumour]) {
    // Of a network that has learnt nothing: far from right, and no less sure than that.
    expect(each!.brier).toBeGreaterThan(0.05);
    expect(each!.bins.reduce((sum, { reference }) => sum + reference, 0)).toBeGreaterThan(10);
  }
});
