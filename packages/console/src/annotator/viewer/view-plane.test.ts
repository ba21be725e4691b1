/** Where pictures lie in the patient, and what a window begins with. */
import { describe, expect, it } from 'vitest';
import { middleFirst } from '../case/case-volume.ts';
import { firstWindow } from './grey-window.ts';
import { type CaseGeometry, edgesOf, extentMm, pointAlike, pointOf, sideOf, voxelOf } from './view-plane.ts';

const tilt = Math.SQRT1_2;
const oblique: CaseGeometry = {
  size: [10, 20, 30],
  spacingMm: [5, 0.8, 0.7],
  originMm: [-100, 40, 300],
  axes: [
    [0, tilt, tilt],
    [0, tilt, -tilt],
    [1, 0, 0],
  ],
};
const straight: CaseGeometry = {
  ...oblique,
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
};

describe('a picture', () => {
  it('has the patient’s sides at its edges as radiologists look at them', () => {
    expect(edgesOf({ up: [0, -1, 0], normal: [0, 0, -1] })).toEqual({ top: 'A', right: 'L', bottom: 'P', left: 'R' });
    expect(edgesOf({ up: [0, 0, 1], normal: [0, -1, 0] })).toEqual({ top: 'H', right: 'L', bottom: 'F', left: 'R' });
    expect(edgesOf({ up: [0, 0, 1], normal: [1, 0, 0] })).toEqual({ top: 'H', right: 'P', bottom: 'F', left: 'A' });
    expect(sideOf([0, -tilt, tilt - 0.01])).toBe('AH');
  });

  it('finds the voxel of every point again, also of a tilted series', () => {
    for (const voxel of [
      [0, 0, 0],
      [9, 19, 29],
      [3, 7.5, 11],
    ] as const) {
      const found = voxelOf(oblique, pointOf(oblique, voxel));
      for (const [axis, value] of found.entries()) expect(value).toBeCloseTo(voxel[axis]!, 9);
    }
    expect(pointOf(oblique, [0, 0, 10])).toEqual([-93, 40, 300]);
  });

  it('finds the point of another series that lies as far along it, whichever way its voxels run', () => {
    const turned: CaseGeometry = {
      ...{ size: [41, 11, 21], spacingMm: [1, 2, 3], originMm: [0, 0, 100] },
      axes: [
        [1, 0, 0],
        [0, 0, -1],
        [0, 1, 0],
      ],
    };
    const share = (point: readonly number[]) => [point[0]! / 40, point[1]! / 60, (point[2]! - 80) / 20];
    for (const [z, y, x] of [
      [0, 0, 0],
      [9, 19, 29],
      [3, 5, 11],
    ] as const) {
      const found = share(pointAlike(pointOf(straight, [z, y, x]), straight, turned));
      for (const [axis, value] of [x / 29, y / 19, z / 9].entries()) expect(found[axis]).toBeCloseTo(value, 9);
    }
  });

  it('knows how much room the volume takes', () => {
    const [height, width] = extentMm(straight, { up: [0, -1, 0], normal: [0, 0, -1] });
    expect([height, width]).toEqual([16, 21]);
  });
});

it('chunks come from the middle outwards, each once', () => {
  expect(middleFirst(5)).toEqual([2, 1, 3, 0, 4]);
  expect(middleFirst(1)).toEqual([0]);
  expect([...middleFirst(100)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at));
});

it('a CT begins with the window for soft tissue, an image without air with its own values', () => {
  const values = (from: number, to: number) =>
    Int16Array.from({ length: 4096 }, (_, at) => from + ((to - from) * at) / 4096);
  expect(firstWindow(values(-1000, 1000))).toMatchObject({ centre: 40, width: 400 });
  const { centre, width } = firstWindow(values(0, 800));
  expect([Math.round(centre / 100), Math.round(width / 100)]).toEqual([4, 8]);
});
