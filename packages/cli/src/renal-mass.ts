/** The segmentation task of the rehearsal: kidneys, tumours and cysts, scored by the hierarchy of KiTS (Heller 2023). */
import type { Region, SegmentationClass } from '@consilium/training';

export const renalClasses: readonly SegmentationClass[] = [
  { name: 'kidney', value: 1 },
  { name: 'tumour', value: 2 },
  { name: 'cyst', value: 3 },
];

export const renalRegions: readonly Region[] = [
  { name: 'kidney-and-masses', classes: [1, 2, 3] },
  { name: 'masses', classes: [2, 3] },
  { name: 'tumour', classes: [2] },
];
