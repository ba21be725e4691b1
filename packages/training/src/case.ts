/** One patient's image with its segmentation, as training sees it, and the checks every case passes first. */
import { type Image, type LabelMap, sameGrid } from '@consilium/imaging';
import type { ContrastPhase } from './contrast-phase.ts';
import { TrainingError } from './training-error.ts';

/** A segmentation class: its number in the label map and what it stands for. Background (0) is not listed. */
export interface SegmentationClass {
  readonly name: string;
  readonly value: number;
}

export interface Case {
  /** The site's own name of the case; never leaves the site. */
  readonly id: string;
  /** HU. */
  readonly image: Image;
  /** What the site drew: the training target. Same grid as the image. */
  readonly label: LabelMap;
  /** The truth where it is known (phantoms), else absent. Same grid as the image. */
  readonly reference?: LabelMap;
  /** Of contrast enhancement; absent where nobody knows. */
  readonly phase?: ContrastPhase;
}

/** What `preprocess`, the fingerprint and the cache need of a case without holding it in memory. */
export interface CaseSource {
  readonly id: string;
  /** SHA-256, hexadecimal, over the bytes of the case's files. */
  contentSha256(): Promise<string>;
  /** As that of the loaded case. */
  readonly phase?: ContrastPhase;
  load(): Promise<Case>;
}

/**
 * Refuses a case that cannot be trained on.
 * @param classes the classes the project knows; without them, only grid, foreground and HU are checked
 * @throws TrainingError `training.label-grid-mismatch`, `training.no-foreground`, `training.unknown-class`,
 *   `training.image-not-finite`
 */
export function checkCase(aCase: Case, classes?: readonly SegmentationClass[]): void {
  checkGrid(aCase, aCase.label, 'segmentation');
  if (aCase.reference !== undefined) checkGrid(aCase, aCase.reference, 'reference segmentation');
  checkImage(aCase);
  const present = classValuesIn(aCase.label);
  if (present.length === 0) {
    throw new TrainingError(
      'training.no-foreground',
      'A case has a segmentation without any foreground voxel. Draw it, or take the case out of the cohort.',
      { detail: `case ${aCase.id}` },
    );
  }
  if (classes === undefined) return;
  const known = new Set(classes.map(({ value }) => value));
  const unknown = present.filter((value) => !known.has(value));
  if (unknown.length > 0) {
    throw new TrainingError(
      'training.unknown-class',
      'A segmentation holds a class number that the plan does not list. Map the labels to the plan’s classes, or add the class to the plan.',
      { detail: `case ${aCase.id}: found ${unknown.join(', ')}; the plan lists ${[...known].join(', ')}` },
    );
  }
}

/** The class numbers that occur in a label map, ascending, background left out. */
function classValuesIn({ voxels }: LabelMap): number[] {
  const seen = new Uint8Array(256);
  for (let index = 0; index < voxels.length; index++) seen[voxels[index]!] = 1;
  const values: number[] = [];
  for (let value = 1; value < 256; value++) if (seen[value] === 1) values.push(value);
  return values;
}

function checkGrid(aCase: Case, labels: LabelMap, what: string): void {
  const { image } = aCase;
  if (sameGrid(image.geometry, labels.geometry) && labels.voxels.length === image.voxels.length) return;
  throw new TrainingError(
    'training.label-grid-mismatch',
    `The ${what} of a case does not lie on its image’s grid (size, spacing, position or direction differ). Export it again from the series it was drawn on.`,
    {
      detail: `case ${aCase.id}: image ${describeGrid(image.geometry)}, ${what} ${describeGrid(labels.geometry)}`,
    },
  );
}

function describeGrid({ size, spacingMm, originMm }: Image['geometry']): string {
  return `[${size.join(', ')}] voxels of [${spacingMm.join(', ')}] mm at [${originMm.join(', ')}]`;
}

function checkImage({ id, image }: Case): void {
  if (!(image.voxels instanceof Float32Array)) return;
  for (const value of image.voxels) {
    if (Number.isFinite(value)) continue;
    throw new TrainingError(
      'training.image-not-finite',
      'An image holds a value that is not a number. Convert the series again, or take the case out of the cohort.',
      { detail: `case ${id}` },
    );
  }
}
