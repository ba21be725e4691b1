import { axisAligned } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { ballCase } from './case.fixture.ts';
import { type Case, checkCase } from './case.ts';
import { kidneyClasses } from './regions.ts';
import { TrainingError } from './training-error.ts';

const refusalOf = (aCase: Case): TrainingError => {
  try {
    checkCase(aCase, kidneyClasses);
  } catch (error) {
    if (error instanceof TrainingError) return error;
    throw error;
  }
  throw new Error('the case was accepted');
};

describe('a case', () => {
  it('passes with a segmentation on its grid', () => {
    expect(() => checkCase(ballCase(), kidneyClasses)).not.toThrow();
  });

  it('is refused if its segmentation has another size, spacing, position or direction', () => {
    const { image, label } = ballCase({ id: 'case-7' });
    const { geometry } = label;
    const grids = [
      axisAligned({ ...geometry, size: [geometry.size[0], geometry.size[2], geometry.size[1]] }),
      { ...geometry, spacingMm: [3, 2, 2.1] as const },
      { ...geometry, originMm: [0, 0, 0] as const },
      { ...geometry, axes: [geometry.axes[0], geometry.axes[2], geometry.axes[1]] as const },
    ];
    for (const grid of grids) {
      const refusal = refusalOf({ id: 'case-7', image, label: { ...label, geometry: grid } });
      expect(refusal.code).toBe('training.label-grid-mismatch');
      expect(refusal.detail).toContain('case-7');
      expect(refusal.message).not.toContain('case-7');
    }
  });

  it('is refused if its reference lies elsewhere', () => {
    const aCase = ballCase();
    const reference = { ...aCase.label, geometry: { ...aCase.label.geometry, originMm: [1, 1, 1] as const } };
    expect(refusalOf({ ...aCase, reference }).code).toBe('training.label-grid-mismatch');
  });

  it('is refused without foreground', () => {
    const aCase = ballCase();
    const label = { ...aCase.label, voxels: new Uint8Array(aCase.label.voxels.length) };
    expect(refusalOf({ ...aCase, label }).code).toBe('training.no-foreground');
  });

  it('is refused with a class the plan does not list', () => {
    const aCase = ballCase();
    const voxels = aCase.label.voxels.slice();
    voxels[5] = 9;
    const refusal = refusalOf({ ...aCase, label: { ...aCase.label, voxels } });
    expect(refusal.code).toBe('training.unknown-class');
    expect(refusal.detail).toContain('found 9');
    expect(refusal.message).not.toContain('9');
  });

  it('is refused if its image holds a value that is not a number', () => {
    const aCase = ballCase();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const voxels = Float32Array.from(aCase.image.voxels);
      voxels[100] = value;
      expect(refusalOf({ ...aCase, image: { ...aCase.image, voxels } }).code).toBe('training.image-not-finite');
    }
  });
});
