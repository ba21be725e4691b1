/**
 * How good a segmentation is, region by region, on the reference's grid.
 *
 * Empty masks. Neither reference nor prediction holds the region: there is nothing to compare, every quotient and distance
 * is null and must be left out of means. Only one of them holds it: Dice and NSD are 0; HD95 is null, because the distance
 * is infinite and any number put in its place would be made up (count such cases instead).
 *
 * Lesions are 26-connected components. A lesion of the reference is found if the prediction covers at least a tenth of its
 * voxels; a component of the prediction is a false positive if less than a tenth of its voxels lie in the reference.
 * (LiTS asks for any overlap, Bilic et al. 2023; Metrics Reloaded, Maier-Hein et al. 2024, for a stated threshold, so that
 * one stray voxel does not count as a finding.)
 */
import {
  connectedComponents,
  dice,
  hausdorff95Of,
  type LabelMap,
  type SurfaceDistances,
  sameGrid,
  surfaceDiceOf,
  surfaceDistances,
} from '@consilium/imaging';
import { type Region, regionMask } from './regions.ts';
import { TrainingError } from './training-error.ts';

/** A type and not an interface, so that it passes as a record of metrics by name. */
export type RegionScore = {
  /** 0 .. 1; null if both masks are empty. */
  readonly dice: number | null;
  /** Surface Dice at the tolerance, 0 .. 1; null if both masks are empty. */
  readonly nsd: number | null;
  /** Null if either mask is empty. */
  readonly hd95Mm: number | null;
  readonly referenceMl: number;
  readonly predictedMl: number;
  /** Predicted less reference: positive is drawn too large. */
  readonly volumeErrorMl: number;
  /**
   * How far the predicted surface lies outside the reference's on average, negative: inside: the volume between them over
   * the mean of their areas, which for surfaces that run side by side is their mean signed distance. Null if either is empty.
   */
  readonly boundaryBiasMm: number | null;
  /** The same divided by the reference's volume; null if that is 0. */
  readonly volumeErrorRelative: number | null;
  /** Lesions of the reference. */
  readonly lesions: number;
  readonly lesionsFound: number;
  /** Found lesions / lesions; null without lesions. */
  readonly lesionSensitivity: number | null;
  /** Components of the prediction that are no lesion of the reference. */
  readonly falsePositives: number;
};

/** By region name, in the order of the regions. */
export type CaseScore = Readonly<Record<string, RegionScore>>;

const lesionOverlapMin = 0.1;

/**
 * @param options.toleranceMm surfaces closer than this agree (NSD)
 * @throws TrainingError `training.prediction-grid-mismatch`
 */
export function scoreCase(
  prediction: LabelMap,
  reference: LabelMap,
  regions: readonly Region[],
  options: { toleranceMm: number },
): CaseScore {
  if (!sameGrid(prediction.geometry, reference.geometry)) {
    throw new TrainingError(
      'training.prediction-grid-mismatch',
      'A prediction does not lie on the grid of the segmentation it is compared with. Predict on the original image.',
    );
  }
  return Object.fromEntries(
    regions.map((region) => {
      const score = scoreRegion(regionMask(prediction, region), regionMask(reference, region), reference, options);
      return [region.name, score];
    }),
  );
}

function scoreRegion(
  predicted: Uint8Array,
  expected: Uint8Array,
  { geometry }: LabelMap,
  { toleranceMm }: { toleranceMm: number },
): RegionScore {
  const [dz, dy, dx] = geometry.spacingMm;
  const voxelMl = (dz * dy * dx) / 1000;
  const predictedVoxels = countOf(predicted);
  const expectedVoxels = countOf(expected);
  const volumeErrorMl = (predictedVoxels - expectedVoxels) * voxelMl;
  const volumes = {
    referenceMl: expectedVoxels * voxelMl,
    predictedMl: predictedVoxels * voxelMl,
    volumeErrorMl,
    volumeErrorRelative: expectedVoxels === 0 ? null : (predictedVoxels - expectedVoxels) / expectedVoxels,
  };
  const lesions = matchLesions(predicted, expected, geometry.size);
  if (predictedVoxels === 0 || expectedVoxels === 0) {
    const overlap = predictedVoxels === expectedVoxels ? null : 0;
    return { dice: overlap, nsd: overlap, hd95Mm: null, boundaryBiasMm: null, ...volumes, ...lesions };
  }
  const surfaces = surfaceDistances(predicted, expected, geometry);
  return {
    dice: dice(predicted, expected),
    nsd: surfaceDiceOf(surfaces, toleranceMm),
    hd95Mm: hausdorff95Of(surfaces),
    boundaryBiasMm: boundaryBiasOf(volumeErrorMl, surfaces),
    ...volumes,
    ...lesions,
  };
}

function boundaryBiasOf(volumeErrorMl: number, { aToB, bToA }: SurfaceDistances): number {
  const areaMm2 = [aToB, bToA].reduce(
    (total, { areasMm2 }) => total + areasMm2.reduce((sum, each) => sum + each, 0),
    0,
  );
  return (1000 * volumeErrorMl) / (areaMm2 / 2);
}

function countOf(mask: Uint8Array): number {
  let count = 0;
  for (let index = 0; index < mask.length; index++) count += mask[index]!;
  return count;
}

function matchLesions(
  predicted: Uint8Array,
  expected: Uint8Array,
  size: LabelMap['geometry']['size'],
): Pick<RegionScore, 'lesions' | 'lesionsFound' | 'lesionSensitivity' | 'falsePositives'> {
  const inReference = componentsInside(expected, predicted, size);
  const inPrediction = componentsInside(predicted, expected, size);
  return {
    lesions: inReference.count,
    lesionsFound: inReference.hits,
    lesionSensitivity: inReference.count === 0 ? null : inReference.hits / inReference.count,
    falsePositives: inPrediction.count - inPrediction.hits,
  };
}

/** How many components `mask` has, and how many of them lie in `other` with at least a tenth of their voxels. */
function componentsInside(
  mask: Uint8Array,
  other: Uint8Array,
  size: LabelMap['geometry']['size'],
): { count: number; hits: number } {
  const { labels, count } = connectedComponents(mask, size, 26);
  const voxels = new Float64Array(count + 1);
  const covered = new Float64Array(count + 1);
  for (let index = 0; index < labels.length; index++) {
    const component = labels[index]!;
    if (component === 0) continue;
    voxels[component]! += 1;
    covered[component]! += other[index]!;
  }
  let hits = 0;
  for (let component = 1; component <= count; component++) {
    if (covered[component]! >= lesionOverlapMin * voxels[component]!) hits += 1;
  }
  return { count, hits };
}
