/** A small grey picture of a volume: its middle slice, or the brightest of each ray through it. */
import { checkVolume } from '../geometry.ts';
import { canonical } from '../orientation.ts';
import type { Image } from '../volume.ts';
import { brightness, type DisplayWindow } from './display-window.ts';

export interface PreviewOptions {
  /** As radiologists look at it: axial from the feet, coronal from the front, sagittal from the left. */
  readonly plane: 'axial' | 'coronal' | 'sagittal';
  readonly kind: 'middle' | 'maximum';
  readonly window: DisplayWindow;
  /** Pixels of the longer side, in millimetres to scale. */
  readonly edge: number;
}

export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** 0 black to 255 white, row by row from the top. */
  readonly pixels: Uint8Array;
}

export function previewOf(image: Image, { plane, kind, window, edge }: PreviewOptions): GreyPicture {
  checkVolume(image);
  const { geometry, voxels } = canonical(image);
  const [depth, rows, columns] = geometry.size;
  const strides = [rows * columns, columns, 1] as const;
  // Axes down, to the right and through the picture; z runs to the head, so down is against it.
  const [down, right, through] = ({ axial: [1, 2, 0], coronal: [0, 2, 1], sagittal: [0, 1, 2] } as const)[plane];
  const size = [depth, rows, columns] as const;
  const heightMm = size[down] * geometry.spacingMm[down];
  const widthMm = size[right] * geometry.spacingMm[right];
  const scale = edge / Math.max(heightMm, widthMm);
  const width = Math.max(1, Math.round(widthMm * scale));
  const height = Math.max(1, Math.round(heightMm * scale));
  const tone = brightness(window);
  const pixels = new Uint8Array(width * height);
  const first = kind === 'middle' ? Math.floor(size[through] / 2) : 0;
  const last = kind === 'middle' ? first : size[through] - 1;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * size[down]) / height);
    const downIndex = down === 0 ? size[0] - 1 - row : row;
    for (let x = 0; x < width; x++) {
      const column = Math.floor(((x + 0.5) * size[right]) / width);
      let at = downIndex * strides[down] + column * strides[right] + first * strides[through];
      let value = voxels[at]!;
      for (let index = first + 1; index <= last; index++) {
        at += strides[through];
        value = Math.max(value, voxels[at]!);
      }
      pixels[y * width + x] = Math.round(255 * tone(value));
    }
  }
  return { width, height, pixels };
}
