import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePart10 } from '../dicom/part10.ts';
import { PixelDecoder, PixelReader } from '../dicom/pixel-reader.ts';
import { axisAligned } from '../geometry.ts';
import { turned } from '../orientation.ts';
import { recorded } from '../recorded-array.ts';
import type { Image } from '../volume.ts';
import { brightness, ctWindows } from './display-window.ts';
import { pictureOfFrame } from './frame-picture.ts';
import { previewOf } from './volume-preview.ts';

const record = recorded<{ cases: { file: string; blocks: number[][] }[] }>('pictures.json');
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try real pictures';
if (skipped) console.info(skipped);

describe.skipIf(skipped)('the picture of a real frame', () => {
  test.each(record.cases)('$file is as pydicom shows it', async ({ file, blocks }) => {
    const dicom = parsePart10(readFileSync(`${root}/${file}`));
    const reader = new PixelReader(dicom, new PixelDecoder());
    const { width, height, pixels } = pictureOfFrame(await reader.frame(0), {
      format: reader.format,
      data: dicom.data,
    });
    for (const [index, wanted] of blocks.entries()) {
      const [row, column] = [Math.floor(index / 4), index % 4];
      const sums = [0, 0, 0];
      let count = 0;
      const edge = (part: number, size: number): number => Math.floor((part * size) / 4);
      for (let y = edge(row, height); y < edge(row + 1, height); y++) {
        for (let x = edge(column, width); x < edge(column + 1, width); x++, count++) {
          for (const sample of [0, 1, 2]) sums[sample]! += pixels[(y * width + x) * 3 + sample]!;
        }
      }
      // Conversions round each in their way.
      for (const sample of [0, 1, 2]) expect(Math.abs(sums[sample]! / count - wanted[sample]!)).toBeLessThan(1.01);
    }
  });
});

test('windows are as PS3.3 C.11.2.1.2 and C.11.2.1.3 say', () => {
  const linear = brightness({ centre: 2048, width: 4096 });
  expect([linear(0), linear(4095), linear(-9), linear(5000)]).toEqual([0, 1, 0, 1]);
  expect(linear(2047.5)).toBeCloseTo(0.5, 9);
  const threshold = brightness({ centre: 10, width: 1 });
  expect([threshold(9), threshold(10)]).toEqual([0, 1]);
  const exact = brightness({ centre: 0, width: 100, shape: 'linear-exact' });
  expect([exact(-50), exact(0), exact(50)]).toEqual([0, 0.5, 1]);
  const sigmoid = brightness({ centre: 0, width: 100, shape: 'sigmoid' });
  expect(sigmoid(0)).toBe(0.5);
  expect(sigmoid(25)).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
});

describe('the preview of a volume', () => {
  const geometry = axisAligned({ size: [4, 2, 3], spacingMm: [2, 1, 1] });
  // Bright at the head, in front, on the patient's right; one brighter voxel behind.
  const voxels = new Int16Array(24).fill(-1000);
  voxels[3 * 6] = 98;
  voxels[3 * 6 + 3 + 2] = 1000;
  const image: Image = { geometry, voxels };
  const window = { centre: 500, width: 1000, shape: 'linear-exact' } as const;

  test('has the head above and the right side on the left', () => {
    const coronal = previewOf(image, { plane: 'coronal', kind: 'maximum', window, edge: 8 });
    expect([coronal.width, coronal.height]).toEqual([3, 8]);
    expect([...coronal.pixels.subarray(0, 6)]).toEqual([25, 0, 255, 25, 0, 255]);
    expect(Math.max(...coronal.pixels.subarray(6))).toBe(0);
    const axial = previewOf(image, { plane: 'axial', kind: 'maximum', window, edge: 3 });
    expect([...axial.pixels]).toEqual([25, 0, 0, 0, 0, 255]);
    const middle = previewOf(image, { plane: 'axial', kind: 'middle', window: ctWindows.abdomen, edge: 3 });
    expect([...middle.pixels]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('is the same whichever way the axes run', () => {
    const other = turned(image, { from: [2, 0, 1], flipped: [true, false, true] });
    for (const plane of ['axial', 'coronal', 'sagittal'] as const) {
      const options = { plane, kind: 'maximum', window, edge: 16 } as const;
      expect(previewOf(other, options)).toEqual(previewOf(image, options));
    }
  });
});
