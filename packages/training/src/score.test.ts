import { axisAligned, type LabelMap, type Triple } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { kidneyRegions } from './regions.ts';
import { scoreCase } from './score.ts';

const geometry = axisAligned({ size: [12, 20, 20], spacingMm: [4, 2, 2] });

/** Boxes `[start, size, class]`, later ones over earlier ones. */
function labels(...boxes: readonly (readonly [Triple, Triple, number])[]): LabelMap {
  const voxels = new Uint8Array(12 * 20 * 20);
  for (const [start, size, value] of boxes) {
    for (let z = start[0]; z < start[0] + size[0]; z++) {
      for (let y = start[1]; y < start[1] + size[1]; y++) {
        for (let x = start[2]; x < start[2] + size[2]; x++) voxels[(z * 20 + y) * 20 + x] = value;
      }
    }
  }
  return { geometry, voxels };
}
const kidney = [[2, 2, 2], [8, 10, 10], 1] as const;
const tumour = [[4, 4, 4], [4, 4, 4], 2] as const;
const cyst = [[4, 9, 9], [2, 2, 2], 3] as const;
const score = (prediction: LabelMap, reference: LabelMap) =>
  scoreCase(prediction, reference, kidneyRegions, { toleranceMm: 2 });

describe('the score of a segmentation', () => {
  it('is perfect for the reference itself', () => {
    const reference = labels(kidney, tumour, cyst);
    for (const region of Object.values(score(reference, reference))) {
      expect(region).toMatchObject({
        dice: 1,
        nsd: 1,
        hd95Mm: 0,
        volumeErrorMl: 0,
        volumeErrorRelative: 0,
        lesionSensitivity: 1,
        falsePositives: 0,
      });
    }
  });

  it('counts classes together in a region', () => {
    const confused = score(
      labels(kidney, [tumour[0], tumour[1], 3], [cyst[0], cyst[1], 2]),
      labels(kidney, tumour, cyst),
    );
    expect(confused['kidney-and-masses']?.dice).toBe(1);
    expect(confused['masses']?.dice).toBe(1);
    expect(confused['tumour']).toMatchObject({ dice: 0, lesions: 1, lesionsFound: 0, falsePositives: 1 });
  });

  it('measures a box moved by one voxel', () => {
    const moved = score(labels(kidney, [[4, 4, 5], tumour[1], 2]), labels(kidney, tumour))['tumour']!;
    expect(moved.dice).toBe(0.75);
    expect(moved.hd95Mm).toBe(2);
    expect(moved.nsd).toBe(1);
    expect(moved.volumeErrorMl).toBe(0);
  });

  it('says how far the predicted surface lies outside the reference’s, or inside', () => {
    const fine = axisAligned({ size: [40, 40, 40], spacingMm: [1, 1, 1] });
    const ball = (radius: number): LabelMap => {
      const voxels = Uint8Array.from({ length: 40 ** 3 }, (_, index) => {
        const place = [Math.floor(index / 1600), Math.floor(index / 40) % 40, index % 40];
        return place.reduce((sum, at) => sum + (at - 19.5) ** 2, 0) < radius ** 2 ? 2 : 0;
      });
      return { geometry: fine, voxels };
    };
    const bias = (predicted: number, reference: number) =>
      score(ball(predicted), ball(reference))['tumour']!.boundaryBiasMm!;
    expect(bias(12, 12)).toBe(0);
    // Marching cubes of voxels have a tenth more area than the ball.
    expect(bias(13, 11)).toBeGreaterThan(1.7);
    expect(bias(13, 11)).toBeLessThan(2.1);
    expect(bias(11, 13)).toBeCloseTo(-bias(13, 11), 12);
    expect(score(labels(), labels(kidney, tumour))['tumour']!.boundaryBiasMm).toBeNull();
  });

  it('measures volume in ml and relative to the reference', () => {
    const larger = score(labels(kidney, [[4, 4, 4], [4, 4, 6], 2]), labels(kidney, tumour))['tumour']!;
    expect(larger.referenceMl).toBeCloseTo(64 * 0.016, 9);
    expect(larger.volumeErrorMl).toBeCloseTo(32 * 0.016, 9);
    expect(larger.volumeErrorRelative).toBe(0.5);
  });

  it('leaves a region out that neither of them holds', () => {
    const none = score(labels(kidney), labels(kidney))['tumour'];
    expect(none).toEqual({
      dice: null,
      boundaryBiasMm: null,
      nsd: null,
      hd95Mm: null,
      referenceMl: 0,
      predictedMl: 0,
      volumeErrorMl: 0,
      volumeErrorRelative: null,
      lesions: 0,
      lesionsFound: 0,
      lesionSensitivity: null,
      falsePositives: 0,
    });
  });

  it('is 0 without a distance where a tumour was made up', () => {
    const madeUp = score(labels(kidney, tumour), labels(kidney))['tumour'];
    expect(madeUp).toMatchObject({
      dice: 0,
      nsd: 0,
      hd95Mm: null,
      volumeErrorRelative: null,
      lesions: 0,
      lesionSensitivity: null,
      falsePositives: 1,
    });
    expect(madeUp?.volumeErrorMl).toBeCloseTo(1.024, 9);
  });

  it('is 0 without a distance where a tumour was missed', () => {
    const missed = score(labels(kidney), labels(kidney, tumour))['tumour'];
    expect(missed).toMatchObject({
      dice: 0,
      nsd: 0,
      hd95Mm: null,
      volumeErrorRelative: -1,
      lesions: 1,
      lesionSensitivity: 0,
      falsePositives: 0,
    });
  });

  it('finds a lesion if a tenth of it is covered, and not below', () => {
    const reference = labels([[2, 2, 2], [4, 5, 5], 2]);
    const ten = score(labels([[2, 2, 2], [1, 2, 5], 2]), reference)['tumour']!;
    expect(ten).toMatchObject({ lesions: 1, lesionsFound: 1, falsePositives: 0 });
    const nine = score(labels([[2, 2, 2], [1, 3, 3], 2]), reference)['tumour']!;
    expect(nine).toMatchObject({ lesions: 1, lesionsFound: 0, falsePositives: 0 });
  });

  it('counts a predicted piece that lies almost wholly outside as a false positive', () => {
    const reference = labels([[2, 2, 2], [2, 2, 2], 2]);
    const streak = score(labels([[2, 2, 3], [1, 1, 11], 2]), reference)['tumour']!;
    expect(streak).toMatchObject({ falsePositives: 1, lesionsFound: 1 });
  });

  it('takes voxels that touch at a corner for one lesion', () => {
    const reference = labels([[2, 2, 2], [2, 2, 2], 2], [[4, 4, 4], [2, 2, 2], 2], [[8, 8, 8], [1, 1, 1], 2]);
    expect(score(reference, reference)['tumour']).toMatchObject({ lesions: 2, lesionsFound: 2 });
  });

  it('is refused on another grid', () => {
    const elsewhere = { ...labels(kidney), geometry: { ...geometry, originMm: [1, 0, 0] as const } };
    expect(() => score(elsewhere, labels(kidney))).toThrow(
      expect.objectContaining({ code: 'training.prediction-grid-mismatch' }),
    );
  });
});
