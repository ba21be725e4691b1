/** What of an image makes it doubtful for measuring or learning, before anybody looks at it. Pure; numbers in HU and mm. */
import { checkVolume } from '../geometry.ts';
import type { Image, LabelMap } from '../volume.ts';

export type ImageFinding =
  /** Slices without anything in them: all of one value, or air. Indices along z. */
  | { readonly kind: 'empty-slices'; readonly slices: readonly number[] }
  /** Slices equal to the one before them, voxel by voxel. */
  | { readonly kind: 'repeated-slices'; readonly slices: readonly number[] }
  /** The body reaches the edge of the image: share of the edge's voxels, by the volume's axes. */
  | { readonly kind: 'body-cut-off'; readonly edge: ImageEdge; readonly share: number }
  | { readonly kind: 'coverage-short'; readonly extentMm: number; readonly wantedMm: number }
  | { readonly kind: 'noisy'; readonly noiseHu: number; readonly limitHu: number };

export type ImageEdge = 'first-row' | 'last-row' | 'first-column' | 'last-column';

export interface ImageQualityOptions {
  /** Default 30: twice the noise of a thin slice of an abdomen. */
  readonly noiseHuMax?: number;
  /** Along z; default 0, no limit. */
  readonly extentMmMin?: number;
}

/** Between air and fat. */
const bodyHuMin = -300;
const softTissueHu = [-50, 200] as const;
/** Of an edge: less is a blanket or the table. */
const cutOffShareMin = 0.05;
const samplesMax = 200_000;

export function imageFindings(image: Image, options: ImageQualityOptions = {}): readonly ImageFinding[] {
  checkVolume(image);
  const findings: ImageFinding[] = [];
  const empty = slicesWhere(image, isEmpty);
  if (empty.length > 0) findings.push({ kind: 'empty-slices', slices: empty });
  const repeated = slicesWhere(image, isSameAsBefore).filter((z) => !empty.includes(z));
  if (repeated.length > 0) findings.push({ kind: 'repeated-slices', slices: repeated });
  findings.push(...cutOffs(image));
  const extentMm = image.geometry.size[0] * image.geometry.spacingMm[0];
  const wantedMm = options.extentMmMin ?? 0;
  if (extentMm < wantedMm) findings.push({ kind: 'coverage-short', extentMm, wantedMm });
  const noiseHu = noiseOf(image);
  const limitHu = options.noiseHuMax ?? 30;
  if (noiseHu !== undefined && noiseHu > limitHu) findings.push({ kind: 'noisy', noiseHu, limitHu });
  return findings;
}

/**
 * Standard deviation of the noise in soft tissue, in HU: from the median of what a filter leaves that is blind to planes
 * and edges along an axis (Immerkaer 1996). Undefined where there is no soft tissue.
 */
export function noiseOf({ geometry: { size }, voxels }: Image): number | undefined {
  const [depth, rows, columns] = size;
  const step = Math.max(1, Math.floor(Math.cbrt((depth * rows * columns) / samplesMax)));
  const residuals: number[] = [];
  for (let z = 0; z < depth; z += step) {
    for (let y = 1; y < rows - 1; y += step) {
      for (let x = 1; x < columns - 1; x += step) {
        const at = (z * rows + y) * columns + x;
        const residual = blindResidual(voxels, at, columns);
        if (residual !== undefined) residuals.push(Math.abs(residual));
      }
    }
  }
  if (residuals.length < 50) return undefined;
  residuals.sort((a, b) => a - b);
  // The filter's weights have a norm of 6; 0.6745 is the median of the size of a normal deviate.
  return residuals[residuals.length >> 1]! / 0.6745 / 6;
}

/** Undefined unless all nine voxels are soft tissue. */
function blindResidual(voxels: Image['voxels'], at: number, columns: number): number | undefined {
  let sum = 0;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const value = voxels[at + dy * columns + dx]!;
      if (value < softTissueHu[0] || value > softTissueHu[1]) return undefined;
      sum += value * (dy === 0 ? -2 : 1) * (dx === 0 ? -2 : 1);
    }
  }
  return sum;
}

function slicesWhere(image: Image, test: (voxels: Image['voxels'], start: number, end: number) => boolean): number[] {
  const [depth, rows, columns] = image.geometry.size;
  const pixels = rows * columns;
  const found: number[] = [];
  for (let z = 0; z < depth; z++) if (test(image.voxels, z * pixels, (z + 1) * pixels)) found.push(z);
  return found;
}

function isEmpty(voxels: Image['voxels'], start: number, end: number): boolean {
  const first = voxels[start]!;
  let isConstant = true;
  for (let at = start; at < end; at++) {
    if (voxels[at]! >= bodyHuMin && voxels[at] !== first) return false;
    if (voxels[at] !== first) isConstant = false;
  }
  return isConstant || first < bodyHuMin;
}

function isSameAsBefore(voxels: Image['voxels'], start: number, end: number): boolean {
  const pixels = end - start;
  if (start === 0) return false;
  for (let at = start; at < end; at++) if (voxels[at] !== voxels[at - pixels]) return false;
  return true;
}

function cutOffs({ geometry: { size }, voxels }: Image): ImageFinding[] {
  const [depth, rows, columns] = size;
  const edges: readonly [ImageEdge, start: number, step: number, count: number][] = [
    ['first-row', 0, 1, columns],
    ['last-row', (rows - 1) * columns, 1, columns],
    ['first-column', 0, columns, rows],
    ['last-column', columns - 1, columns, rows],
  ];
  return edges.flatMap(([edge, start, step, count]) => {
    let body = 0;
    for (let z = 0; z < depth; z++) {
      const from = z * rows * columns + start;
      for (let index = 0; index < count; index++) if (voxels[from + index * step]! >= bodyHuMin) body++;
    }
    const share = body / (depth * count);
    return share >= cutOffShareMin ? [{ kind: 'body-cut-off', edge, share } as const] : [];
  });
}

export interface Intensity {
  readonly voxels: number;
  readonly meanHu: number;
  /** Standard deviation. */
  readonly deviationHu: number;
}

/**
 * Of the voxels of one class: of the aorta or the kidneys it tells the contrast phase.
 * @param labels on the image's grid. Undefined where the class is absent.
 */
export function intensityIn(image: Image, labels: LabelMap, label: number): Intensity | undefined {
  checkVolume(image);
  checkVolume(labels);
  let voxels = 0;
  let sum = 0;
  let squares = 0;
  for (let at = 0; at < labels.voxels.length; at++) {
    if (labels.voxels[at] !== label) continue;
    const value = image.voxels[at]!;
    voxels++;
    sum += value;
    squares += value * value;
  }
  if (voxels === 0) return undefined;
  const meanHu = sum / voxels;
  return { voxels, meanHu, deviationHu: Math.sqrt(Math.max(0, squares / voxels - meanHu * meanHu)) };
}
