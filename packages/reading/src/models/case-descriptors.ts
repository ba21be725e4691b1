/**
 * What a case looks like in a few numbers, to tell cases that are alike: intensities, extent, size of what is drawn. Simple
 * facts instead of a network's features: they mean the same whichever model is the champion.
 */
import type { Image, LabelMap } from '@consilium/imaging';
import type { LayerOfStructure } from './model-tasks.ts';

/** Voxels that are looked at; more would not change the numbers. */
const samplesMax = 500_000;
/** HU of soft tissue, with fat and contrast. */
const huMin = -150;
const huMax = 400;

/**
 * Mean and deviation of HU in soft tissue, its share of the image, log of the extent along z (mm), of the voxel's height (mm),
 * and of each structure's volume (ml).
 */
export function descriptorsOf(
  { geometry, voxels }: Image,
  labels: LabelMap,
  structures: readonly LayerOfStructure[],
): readonly number[] {
  const step = Math.max(1, Math.floor(voxels.length / samplesMax));
  let [sum, squares, count, seen] = [0, 0, 0, 0];
  for (let at = 0; at < voxels.length; at += step) {
    const value = voxels[at]!;
    seen++;
    if (value < huMin || value > huMax) continue;
    sum += value;
    squares += value * value;
    count++;
  }
  const mean = count === 0 ? 0 : sum / count;
  const deviation = count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - mean * mean));
  const voxelMl = geometry.spacingMm.reduce((product, mm) => product * mm, 1) / 1000;
  const counts = new Float64Array(256);
  for (const value of labels.voxels) counts[value]!++;
  const [heightMm] = geometry.spacingMm;
  return [
    ...[mean, deviation, count / seen, Math.log(geometry.size[0] * heightMm), Math.log(heightMm)],
    ...structures.map(({ structure }) => Math.log1p(counts[structure]! * voxelMl)),
  ];
}
