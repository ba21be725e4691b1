import type { Image, LabelMap } from '@consilium/imaging';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { drawOverlay } from './overlay.ts';
import { toyVolume } from './toy-hospital.fixture.ts';

const regions = [{ classes: [1, 2] }, { classes: [2] }];
const labelsOf = (value: (z: number, y: number, x: number) => number): LabelMap => {
  const { geometry, voxels } = toyVolume((index) => value(index >> 6, (index >> 3) & 7, index & 7));
  return { geometry, voxels: Uint8Array.from(voxels) };
};
const image: Image = toyVolume((index) => (index >> 6) * 20);
const colours = (bytes: Uint8Array) => {
  const { data, width } = PNG.sync.read(Buffer.from(bytes));
  const at = (row: number, column: number) => [
    ...data.subarray((row * width + column) * 4, (row * width + column) * 4 + 3),
  ];
  const pixels = new Set(new Uint32Array(Uint8Array.from(data).buffer));
  const holds = (colour: readonly number[]) =>
    pixels.has(new Uint32Array(Uint8Array.from([...colour, 255]).buffer)[0]!);
  return { at, holds };
};
const yellow = [255, 212, 0];
const blue = [0, 190, 255];

describe('an overlay', () => {
  it('shows the middle slice of the largest tumour section in the abdominal window', () => {
    const tumour = labelsOf((z, y, x) => (z >= 4 && z <= 6 && y > 4 && x > 4 ? 2 : 0));
    const { at } = colours(drawOverlay({ image, reference: tumour, prediction: labelsOf(() => 0), regions }));
    // Slice 5 holds 100 HU: (100 - 40) / 400 + 0.5 of white.
    expect(at(10, 10)).toEqual([166, 166, 166]);
  });

  it('draws the reference in yellow and the prediction in blue', () => {
    const left = labelsOf((_, __, x) => (x < 3 ? 1 : 0));
    const right = labelsOf((_, __, x) => (x > 5 ? 1 : 0));
    const none = labelsOf(() => 0);
    const seen = (reference: LabelMap, prediction: LabelMap) =>
      [yellow, blue].map(colours(drawOverlay({ image, reference, prediction, regions })).holds);
    expect(seen(left, right)).toEqual([true, true]);
    expect(seen(left, none)).toEqual([true, false]);
    expect(seen(none, right)).toEqual([false, true]);
    expect(seen(none, none)).toEqual([false, false]);
  });

  it('has the front of the patient up and the patient’s left on the right, however the image is stored', () => {
    const { geometry, voxels } = toyVolume((index) => ((index & 7) > 3 && ((index >> 3) & 7) > 3 ? 1000 : -1000));
    const flipped = {
      ...geometry,
      originMm: [14, 14, 0] as const,
      axes: [
        [0, 0, 1],
        [0, -1, 0],
        [-1, 0, 0],
      ] as const,
    };
    const empty = { geometry, voxels: new Uint8Array(512) };
    const bright = (picture: Uint8Array) => colours(picture).at(600, 600)[0];
    expect(bright(drawOverlay({ image: { geometry, voxels }, reference: empty, prediction: empty, regions }))).toBe(
      255,
    );
    const turned = { geometry: flipped, voxels: new Uint8Array(512) };
    const shown = drawOverlay({ image: { geometry: flipped, voxels }, reference: turned, prediction: turned, regions });
    expect(bright(shown)).toBe(0);
    expect(colours(shown).at(40, 40)[0]).toBe(255);
  });
});
