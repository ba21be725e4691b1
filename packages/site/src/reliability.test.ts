import { expect, it } from 'vitest';
import { ReliabilitySums } from './reliability.ts';

const calibration = (voxels: number) => ({
  ...{ brier: 0.1, ece: 0.1 },
  bins: Array.from({ length: 10 }, (_, bin) => ({ voxels, probability: (voxels * bin) / 10, reference: bin })),
});

it('tells of a region the sum over cases, if enough patients have it: not cases, and not patients without it', () => {
  const sums = new ReliabilitySums();
  sums.add('Meyer', { kidney: calibration(1), tumour: calibration(10) });
  sums.add('Meyer', { kidney: calibration(2), tumour: calibration(20) });
  sums.add('Schulz', { kidney: calibration(4), tumour: null });
  expect(sums.told(3)).toBeUndefined();
  expect(sums.told(2)).toEqual({
    kidney: calibration(7).bins.map((bin, index) => ({
      ...bin,
      probability: expect.closeTo(0.7 * index),
      reference: 3 * index,
    })),
  });
  expect(Object.keys(sums.told(1)!)).toEqual(['kidney', 'tumour']);
});

it('tells nothing of a network that gives no probabilities', () => {
  const sums = new ReliabilitySums();
  sums.add('Meyer', {});
  expect(sums.told(1)).toBeUndefined();
});
