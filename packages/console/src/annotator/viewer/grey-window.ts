/** Which values of an image are shown between black and white. */

export interface GreyWindow {
  readonly centre: number;
  readonly width: number;
}

export interface WindowPreset extends GreyWindow {
  readonly name: string;
  readonly key: string;
}

/** Of CT, in HU, by the keys that reading stations give them. */
export const windowPresets: readonly WindowPreset[] = [
  { name: 'Soft tissue', key: '1', centre: 40, width: 400 },
  { name: 'Kidney', key: '2', centre: 110, width: 320 },
  { name: 'Liver', key: '3', centre: 90, width: 160 },
  { name: 'Lung', key: '4', centre: -600, width: 1500 },
  { name: 'Bone', key: '5', centre: 400, width: 1800 },
];

/** Air is in almost every CT; in images without it the numbers are no HU. */
const airHuMax = -400;

/**
 * What to begin with.
 * @param voxels of some slices that have come.
 */
export function firstWindow(voxels: Int16Array): GreyWindow {
  const step = Math.max(1, Math.floor(voxels.length / 50_000));
  const some = voxels.filter((_, at) => at % step === 0).sort();
  const [low, high] = [some[Math.floor(some.length * 0.01)] ?? 0, some[Math.floor(some.length * 0.99)] ?? 1];
  if (low < airHuMax) return windowPresets[0]!;
  return { centre: Math.round((low + high) / 2), width: Math.max(1, high - low) };
}
