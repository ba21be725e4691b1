/**
 * What harmonisation would do about how sites differ, from what sites have told and nothing else: for intensity, spacing and
 * features, how far each two sites are apart before and after. Where a method brings sites together by construction, or takes
 * out what is of the patients, that is said with the numbers.
 */
import { featureEffect } from './feature-effect.ts';
import { type HarmonisationEffect, type HarmonisedSite, meanDistance, thicknessOf } from './harmonisation-effect.ts';
import { wasserstein } from './histogram-distance.ts';
import { phaseAligned, quantileAligned, wassersteinOfMasses } from './intensity-alignment.ts';

/** Nothing of fewer than two sites, or where none has described itself: so it is with sites of before. */
export function harmonisationEffects(sites: readonly HarmonisedSite[]): HarmonisationEffect[] {
  if (sites.length < 2 || sites.every(({ description }) => description === null)) return [];
  return [intensityEffect(sites), spacingEffect(sites), featureEffect(sites)].filter((effect) => effect !== null);
}

function between<T>(sites: readonly T[], distance: (one: T, other: T) => number): number[][] {
  return sites.map((one) => sites.map((other) => (one === other ? 0 : distance(one, other))));
}

function intensityEffect(sites: readonly HarmonisedSite[]): HarmonisationEffect {
  const raw = between(sites, (one, other) => wasserstein(one.organHu, other.organHu));
  const byPhase = phaseAligned(sites);
  const byQuantiles = between(quantileAligned(sites), wassersteinOfMasses);
  const distances = byPhase === null ? null : between(byPhase, wassersteinOfMasses);
  const [before, after, aligned] = [raw, distances ?? raw, byQuantiles].map((each) => meanDistance(each).toFixed(1));
  return {
    kind: 'intensity',
    unit: 'HU',
    measures: [
      { name: 'As imaged', distances: raw },
      ...(distances === null ? [] : [{ name: 'Normalised by phase', distances }]),
      { name: 'Quantiles aligned', distances: byQuantiles },
    ],
    chance: null,
    finding: `On average two hospitals’ densities are ${before} HU apart. ${
      distances === null
        ? 'No phase of contrast is told by two hospitals, so normalisation by phase cannot be shown.'
        : `With a normalisation for each phase of contrast they are ${after} HU apart.`
    } Aligning each hospital’s quantiles with the mean of all leaves ${aligned} HU.`,
    caution:
      'The plan’s common normalisation moves all hospitals alike and brings none nearer. Aligned quantiles are near by construction, and that takes out what differs because patients differ, such as the share of tumour. Smaller distances are not a better model. No interval: voxels of one patient are not independent.',
  };
}

function spacingEffect(sites: readonly HarmonisedSite[]): HarmonisationEffect {
  const raw = between(sites, (one, other) => wasserstein(one.sliceSpacing, other.sliceSpacing));
  const thickness = sites.map(({ description }) => thicknessOf(description) ?? Number.NaN);
  const thicknesses = thickness.map((one) => thickness.map((other) => Math.abs(one - other)));
  const known = thickness.filter(Number.isFinite);
  const isTold = known.length > 1;
  return {
    kind: 'spacing',
    unit: 'mm',
    measures: [
      { name: 'Distance of slices as imaged', distances: raw },
      { name: 'Distance of slices after resampling', distances: between(sites, () => 0) },
      ...(isTold ? [{ name: 'Thickness of slices, before and after', distances: thicknesses }] : []),
    ],
    chance: null,
    finding: `Distances of slices are ${meanDistance(raw).toFixed(1)} mm apart on average; resampled to the plan’s voxels they are the same everywhere. ${
      isTold
        ? `Slices are ${rangeText(known)} mm thick on average, and resampling changes nothing about that.`
        : 'How thick slices are, too few hospitals tell.'
    }`,
    caution:
      'Resampling makes the grid the same, not the image: a thick slice stays an average over its thickness, and small tumours stay blurred in it. Sharpness of the kernel stays different, too. No interval is given.',
  };
}

function rangeText(values: readonly number[]): string {
  const [low, high] = [Math.min(...values).toFixed(1), Math.max(...values).toFixed(1)];
  return low === high ? low : `${low} to ${high}`;
}
