import type { LabelMap, SegmentInfo } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { classesOfNames, classesOfSegments } from './segment-class.ts';
import { toyVolume } from './toy-hospital.fixture.ts';

const segment = (number: number, label: string, code = ''): SegmentInfo => ({
  number,
  label,
  category: { value: '', scheme: '', meaning: '' },
  type: { value: code, scheme: 'SCT', meaning: '' },
  algorithmType: 'MANUAL',
});
const labels: LabelMap = {
  geometry: toyVolume(() => 0).geometry,
  voxels: Uint8Array.from({ length: 512 }, (_, at) => at % 5),
};
const mapped = (...segments: SegmentInfo[]) => [...classesOfSegments(labels, segments).voxels.subarray(0, 5)];

describe('segments become classes', () => {
  it('by their codes, whatever their numbers and labels', () => {
    expect(mapped(segment(1, 'a', '367643001'), segment(2, 'b', '108369006'), segment(4, 'c', '64033007'))).toEqual([
      0, 3, 2, 0, 1,
    ]);
  });

  it('by their labels where there is no code that is known', () => {
    const segments = [
      segment(1, 'Renal mass'),
      segment(2, 'Left kidney'),
      segment(3, 'renal cyst'),
      segment(4, 'Liver'),
    ];
    expect(mapped(...segments)).toEqual([0, 2, 1, 3, 0]);
  });

  it('by names beside a file that has none', () => {
    const names = { 1: 'spleen', 2: 'right kidney', 3: 'left kidney' };
    expect([...classesOfNames(labels, names).voxels.subarray(0, 5)]).toEqual([0, 0, 1, 1, 0]);
    expect(classesOfNames(labels, { 1: 'a' })).toBe(labels);
  });

  it('by their numbers where nothing says what they are', () => {
    expect(mapped(segment(1, 'one'), segment(2, 'two'))).toEqual([0, 1, 2, 3, 4]);
  });
});
