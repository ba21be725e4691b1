/**
 * Regions: unions of classes that are scored as one, because a reader asks "how well is the mass found" before "how well
 * is tumour told from cyst" (the hierarchical evaluation classes of KiTS, Heller et al. 2023, arXiv:2307.01984).
 */
import type { LabelMap } from '@consilium/imaging';
import type { SegmentationClass } from './case.ts';

export interface Region {
  readonly name: string;
  /** Values of the classes that belong to it. */
  readonly classes: readonly number[];
}

/** The classes of the kidney-tumour project. */
export const kidneyClasses: readonly SegmentationClass[] = [
  { name: 'kidney', value: 1 },
  { name: 'tumour', value: 2 },
  { name: 'cyst', value: 3 },
];

export const kidneyRegions: readonly Region[] = [
  { name: 'kidney-and-masses', classes: [1, 2, 3] },
  { name: 'masses', classes: [2, 3] },
  { name: 'tumour', classes: [2] },
];

/** 1 where the label map holds one of the region's classes, else 0. */
export function regionMask(labels: LabelMap, region: Region): Uint8Array {
  const belongs = new Uint8Array(256);
  for (const value of region.classes) belongs[value] = 1;
  const mask = new Uint8Array(labels.voxels.length);
  for (let index = 0; index < mask.length; index++) mask[index] = belongs[labels.voxels[index]!]!;
  return mask;
}
