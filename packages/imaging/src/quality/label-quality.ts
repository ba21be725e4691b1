/** What of a label map is doubtful, by itself and against its image. Pure; a finding is a reason to look, not an error. */
import { checkVolume, sameGrid, worldOf } from '../geometry.ts';
import { connectedComponents } from '../metrics/connected-components.ts';
import type { Image, LabelMap, Triple } from '../volume.ts';

export type LabelFinding =
  | { readonly kind: 'grid-mismatch' }
  /** No label at all, or none of a class that was expected. */
  | { readonly kind: 'empty'; readonly label: number | undefined }
  /** More pieces than expected; `strayVoxels` are in all but the largest of those allowed. */
  | { readonly kind: 'pieces'; readonly label: number; readonly count: number; readonly strayVoxels: number }
  /** In air, where no organ is. */
  | { readonly kind: 'outside-body'; readonly label: number; readonly voxels: number }
  /** Reaches the first or last slice: the scan may end within the organ. */
  | { readonly kind: 'cut-off'; readonly label: number; readonly end: 'first-slice' | 'last-slice' }
  | { readonly kind: 'volume-outlier'; readonly label: number; readonly millilitres: number }
  /** The left organ lies to the right of the right one. */
  | { readonly kind: 'sides-swapped'; readonly left: number; readonly right: number };

export interface LabelExpectation {
  readonly label: number;
  /** Whether it must be there; default false. */
  readonly required?: boolean;
  /** Pieces it may have, such as 2 for kidneys; default 1. */
  readonly piecesMax?: number;
  readonly millilitres?: readonly [least: number, most: number];
}

export interface LabelQualityOptions {
  readonly expected?: readonly LabelExpectation[];
  /** Labels of a paired organ. */
  readonly sides?: { readonly left: number; readonly right: number };
}

/** Lung is above; below is air around the patient or in the bowel. */
const airHuMax = -900;
/** Of a class's voxels in air: less is the edge of the bowel or of the skin. */
const airShareMin = 0.01;

/** @param image the labels' image, if it is at hand; must lie on the same grid. */
export function labelFindings(
  labels: LabelMap,
  image: Image | undefined,
  options: LabelQualityOptions = {},
): readonly LabelFinding[] {
  checkVolume(labels);
  if (image !== undefined && !sameGrid(labels.geometry, image.geometry)) return [{ kind: 'grid-mismatch' }];
  const counts = countsOf(labels);
  const present = [...counts.keys()].flatMap((label) => (label > 0 && counts[label]! > 0 ? [label] : []));
  if (present.length === 0) return [{ kind: 'empty', label: undefined }];
  const expected = new Map((options.expected ?? []).map((one) => [one.label, one]));
  const findings: LabelFinding[] = [...expected.values()].flatMap(({ label, required }) =>
    required && counts[label] === 0 ? [{ kind: 'empty', label } as const] : [],
  );
  for (const label of present) {
    findings.push(...piecesOf(labels, label, expected.get(label)?.piecesMax ?? 1));
    findings.push(...cutOffsOf(labels, label));
    const millilitres = volumeOf(labels, counts[label]!);
    const [least, most] = expected.get(label)?.millilitres ?? [0, Number.POSITIVE_INFINITY];
    if (millilitres < least || millilitres > most) findings.push({ kind: 'volume-outlier', label, millilitres });
    const inAir = image === undefined ? 0 : voxelsInAir(labels, image, label);
    if (inAir > airShareMin * counts[label]!) findings.push({ kind: 'outside-body', label, voxels: inAir });
  }
  if (options.sides && areSwapped(labels, options.sides)) findings.push({ kind: 'sides-swapped', ...options.sides });
  return findings;
}

function countsOf({ voxels }: LabelMap): Float64Array {
  const counts = new Float64Array(256);
  for (let at = 0; at < voxels.length; at++) counts[voxels[at]!]!++;
  return counts;
}

function volumeOf({ geometry: { spacingMm } }: LabelMap, voxels: number): number {
  return (voxels * spacingMm[0] * spacingMm[1] * spacingMm[2]) / 1000;
}

/** Corners join: what touches at all is one piece. */
function piecesOf({ geometry, voxels }: LabelMap, label: number, piecesMax: number): LabelFinding[] {
  const mask = voxels.map((value) => (value === label ? 1 : 0));
  const { labels: pieces, count } = connectedComponents(mask, geometry.size, 26);
  if (count <= piecesMax) return [];
  const sizes = new Float64Array(count + 1);
  for (let at = 0; at < pieces.length; at++) sizes[pieces[at]!]!++;
  const strays = sizes
    .subarray(1)
    .toSorted((a, b) => b - a)
    .subarray(piecesMax);
  return [{ kind: 'pieces', label, count, strayVoxels: strays.reduce((sum, size) => sum + size, 0) }];
}

function cutOffsOf({ geometry: { size }, voxels }: LabelMap, label: number): LabelFinding[] {
  const pixels = size[1] * size[2];
  const findings: LabelFinding[] = [];
  if (voxels.subarray(0, pixels).includes(label)) findings.push({ kind: 'cut-off', label, end: 'first-slice' });
  if (voxels.subarray(-pixels).includes(label)) findings.push({ kind: 'cut-off', label, end: 'last-slice' });
  return findings;
}

function voxelsInAir({ voxels }: LabelMap, image: Image, label: number): number {
  let inAir = 0;
  for (let at = 0; at < voxels.length; at++) if (voxels[at] === label && image.voxels[at]! <= airHuMax) inAir++;
  return inAir;
}

/** LPS: x grows to the patient's left. */
function areSwapped(labels: LabelMap, { left, right }: { left: number; right: number }): boolean {
  const [centreLeft, centreRight] = [centreOf(labels, left), centreOf(labels, right)];
  return centreLeft !== undefined && centreRight !== undefined && centreLeft[0] < centreRight[0];
}

/** LPS mm; undefined where the label is absent. */
function centreOf({ geometry, voxels }: LabelMap, label: number): Triple | undefined {
  const [depth, rows, columns] = geometry.size;
  const sums = [0, 0, 0] as [number, number, number];
  let count = 0;
  for (let z = 0, at = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        if (voxels[at] !== label) continue;
        count++;
        sums[0] += z;
        sums[1] += y;
        sums[2] += x;
      }
    }
  }
  return count === 0 ? undefined : worldOf(geometry, [sums[0] / count, sums[1] / count, sums[2] / count]);
}
