/** A small grey picture of a volume's middle slice, as PNG. */
import type { Image } from '@consilium/imaging';
import { PNG } from 'pngjs';

/** Of its longer side. */
const edgePixels = 128;
/** Of CT: soft tissue, in HU. */
const softTissueHu = [-160, 240] as const;

/** @param modality of CT the values are HU; of others the window is that of the slice's own values. */
export function thumbnailOf(image: Image, modality: string): Uint8Array {
  const { size, spacingMm } = image.geometry;
  const [, rows, columns] = size;
  const slice = image.voxels.subarray(Math.floor(size[0] / 2) * rows * columns);
  const [heightMm, widthMm] = [rows * spacingMm[1], columns * spacingMm[2]];
  const scale = edgePixels / Math.max(heightMm, widthMm);
  const height = Math.max(1, Math.round(heightMm * scale));
  const width = Math.max(1, Math.round(widthMm * scale));
  const [low, high] = modality === 'CT' ? softTissueHu : rangeOf(slice.subarray(0, rows * columns));
  const data = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = meanOf(slice, columns, {
        rows: [Math.floor((y * rows) / height), Math.ceil(((y + 1) * rows) / height)],
        columns: [Math.floor((x * columns) / width), Math.ceil(((x + 1) * columns) / width)],
      });
      data[y * width + x] = Math.max(0, Math.min(255, Math.round(((value - low) / (high - low || 1)) * 255)));
    }
  }
  const png = Object.assign(new PNG({ width, height }), { data });
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false, bitDepth: 8 });
}

function meanOf(
  slice: Image['voxels'],
  stride: number,
  block: { readonly rows: readonly [number, number]; readonly columns: readonly [number, number] },
): number {
  let sum = 0;
  let count = 0;
  for (let y = block.rows[0]; y < block.rows[1]; y++) {
    for (let x = block.columns[0]; x < block.columns[1]; x++) {
      sum += slice[y * stride + x]!;
      count++;
    }
  }
  return sum / count;
}

/** Without the darkest and brightest hundredth. */
function rangeOf(values: Image['voxels']): readonly [number, number] {
  const sorted = Float32Array.from(values).sort();
  return [sorted[Math.floor(sorted.length * 0.01)]!, sorted[Math.floor((sorted.length - 1) * 0.99)]!];
}
