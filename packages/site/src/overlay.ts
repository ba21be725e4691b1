/**
 * A picture of what a model drew: one axial slice, abdominal window, the reference's contour in yellow and the model's in
 * blue. For the eyes of the hospital; pictures stay in its work directory.
 */
import { canonical, type Image, type LabelMap, type Volume } from '@consilium/imaging';
import { PNG } from 'pngjs';

/** HU: a common abdominal soft-tissue window. */
const window = { centreHu: 40, widthHu: 400 };
const referenceColour = [255, 212, 0] as const;
const predictionColour = [0, 190, 255] as const;
/** The longer side of the picture is at least this many pixels. */
const pixelsMin = 640;

/** PNG bytes. All on one grid. Front of the patient up, the patient's left on the right, as radiologists look at it. */
export function drawOverlay({
  image,
  reference,
  prediction,
  regions,
}: {
  readonly image: Image;
  readonly reference: LabelMap;
  readonly prediction: LabelMap;
  /** Outlined each; the slice shows the last one's largest cross-section. */
  readonly regions: readonly { readonly classes: readonly number[] }[];
}): Uint8Array {
  const shown = canonical(image);
  const truth = canonical(reference);
  const drawn = canonical(prediction);
  const z = sliceToShow(truth, drawn, regions);
  const [, height, width] = shown.geometry.size;
  const [, heightMm, widthMm] = shown.geometry.spacingMm;
  const scale = Math.max(1 / Math.min(heightMm, widthMm), pixelsMin / Math.max(height * heightMm, width * widthMm));
  const rows = Math.round(height * heightMm * scale);
  const columns = Math.round(width * widthMm * scale);
  const png = new PNG({ width: columns, height: rows, colorType: 2 });
  const plane = z * height * width;
  /** Row and column of the voxel under a pixel's centre, fractional. */
  const rowOf = (pixel: number) => ((pixel + 0.5) * height) / rows - 0.5;
  const columnOf = (pixel: number) => ((pixel + 0.5) * width) / columns - 0.5;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at += 4) {
      const hu = interpolated(shown, plane, rowOf(row), columnOf(column));
      const grey = Math.round(255 * Math.min(1, Math.max(0, (hu - window.centreHu) / window.widthHu + 0.5)));
      png.data[at] = png.data[at + 1] = png.data[at + 2] = grey;
      png.data[at + 3] = 255;
    }
  }
  for (const { classes } of regions) {
    for (const { labels, colour, pixels } of [
      { labels: truth, colour: referenceColour, pixels: 4 },
      { labels: drawn, colour: predictionColour, pixels: 2 },
    ]) {
      const mask = { ...shown, voxels: labels.voxels.map((value) => (classes.includes(value) ? 1 : 0)) };
      const isInside = (row: number, column: number) => interpolated(mask, plane, rowOf(row), columnOf(column)) >= 0.5;
      outline(png, { colour, pixels, isInside });
    }
  }
  return PNG.sync.write(png, { colorType: 2 });
}

/**
 * The slice with most voxels of the smallest region (by listing: the last) in the reference; of an earlier region if the
 * last is absent; of the prediction if the reference is empty; else the middle.
 */
function sliceToShow(
  reference: LabelMap,
  prediction: LabelMap,
  regions: readonly { readonly classes: readonly number[] }[],
): number {
  for (const labels of [reference, prediction]) {
    for (const { classes } of regions.toReversed()) {
      const slice = largestSection(labels, classes);
      if (slice !== null) return slice;
    }
  }
  return Math.floor(reference.geometry.size[0] / 2);
}

/** The middle one of the slices with the largest area; null if there is none. */
function largestSection({ geometry, voxels }: LabelMap, classes: readonly number[]): number | null {
  const [depth, height, width] = geometry.size;
  let most = 0;
  let best: number[] = [];
  for (let z = 0; z < depth; z++) {
    let area = 0;
    for (let at = z * height * width; at < (z + 1) * height * width; at++) if (classes.includes(voxels[at]!)) area += 1;
    if (area > most) {
      most = area;
      best = [z];
    } else if (area === most && area > 0) best.push(z);
  }
  return best[Math.floor(best.length / 2)] ?? null;
}

/** The value at a fractional place of a slice; clamped at the edges. */
function interpolated({ geometry, voxels }: Volume, plane: number, row: number, column: number): number {
  const [, height, width] = geometry.size;
  const y = Math.min(height - 1, Math.max(0, row));
  const x = Math.min(width - 1, Math.max(0, column));
  const [y0, x0] = [Math.floor(y), Math.floor(x)];
  const [y1, x1] = [Math.min(height - 1, y0 + 1), Math.min(width - 1, x0 + 1)];
  const at = (yy: number, xx: number) => voxels[plane + yy * width + xx]!;
  const upper = at(y0, x0) * (1 - (x - x0)) + at(y0, x1) * (x - x0);
  const lower = at(y1, x0) * (1 - (x - x0)) + at(y1, x1) * (x - x0);
  return upper * (1 - (y - y0)) + lower * (y - y0);
}

/** Colours the pixels inside that lie within `pixels` of one outside. */
function outline(
  png: PNG,
  {
    colour,
    pixels,
    isInside,
  }: {
    readonly colour: readonly [number, number, number];
    readonly pixels: number;
    readonly isInside: (row: number, column: number) => boolean;
  },
): void {
  const { width, height, data } = png;
  const mask = new Uint8Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) mask[at] = isInside(row, column) ? 1 : 0;
  }
  const outside = (row: number, column: number) =>
    row < 0 || row >= height || column < 0 || column >= width || mask[row * width + column] === 0;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (mask[at] === 0) continue;
      for (let reach = 1; reach <= pixels; reach++) {
        const isEdge =
          outside(row - reach, column) ||
          outside(row + reach, column) ||
          outside(row, column - reach) ||
          outside(row, column + reach);
        if (isEdge) {
          data.set(colour, at * 4);
          break;
        }
      }
    }
  }
}
