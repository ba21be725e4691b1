/**
 * Noise of which each of several sites adds a part: where contributions are seen only as their sum, the sum has to be
 * noisy, and not each of them (Goryczka and Xiong 2017, doi:10.1109/TDSC.2015.2484326; for lattices Kairouz et al. 2021,
 * arXiv:2102.06387).
 *
 * In the sum a site's movement counts `cases` times, so it moves the sum by at most 2 S casesMax, whatever changes at the
 * site. Each of k sites adds noise that is z S casesMax / √k there, that is, z S casesMax / (cases √k) on its own numbers. A
 * sum of k or more of them has noise of at least z S casesMax: as much, for each site, as if it had added all by itself.
 */
import type { NoisyUpdate, SecureAggregation } from '@consilium/protocol';

interface NoiseAmong {
  /** k: so many sites are taken to add their part, this one included. */
  readonly sites: number;
  /** Of this site: what its movement is multiplied by in the sum. */
  readonly cases: number;
  readonly casesMax: number;
}

/** The part of the standard deviation z S that is this site's to add to each of its numbers; may be more than 1. */
export function noiseShareOf({ sites, cases, casesMax }: NoiseAmong): number {
  return casesMax / (cases * Math.sqrt(sites));
}

/** Beyond so many standard deviations lies nothing: 2 in 10^19 of the numbers. */
const tailDeviations = 9;
/** From here on a sum of rounded Gaussians differs from a Gaussian that is rounded by less than e^-300. */
const stepsOfDeviationMin = 4;

/**
 * What keeps this share from being noise in the sum, as words that may be shown; null if nothing does. One site's noise may
 * be cut and rounded as one likes, but of a share the others' promise depends: it has to lie within the lattice, and the
 * lattice has to be finer than it.
 */
export function shareObjection(
  { clipNorm, noiseMultiplier }: Pick<NoisyUpdate, 'clipNorm' | 'noiseMultiplier'>,
  share: number,
  { clip, bits }: Pick<SecureAggregation, 'clip' | 'bits'>,
): string | null {
  const deviation = share * noiseMultiplier * clipNorm;
  const needed = clipNorm + tailDeviations * deviation;
  if (clip < needed) return `secureAggregation.clip would cut it: at least ${rounded(needed)} is needed here.`;
  const unit = clip / (2 ** (bits - 1) - 1);
  return deviation < stepsOfDeviationMin * unit
    ? 'secureAggregation.bits are too few for so little noise, or clip is too large.'
    : null;
}

/** Two digits, and never less than it is. */
function rounded(value: number): number {
  const scale = 10 ** (1 - Math.floor(Math.log10(value)));
  return Math.ceil(value * scale) / scale;
}

/** Why a job cannot ask for it; null if it can, or does not. */
export function sharedNoiseObjection(job: {
  readonly privacy?: { readonly kind: string } | undefined;
  readonly secureAggregation?: Pick<SecureAggregation, 'threshold'> | undefined;
}): string | null {
  const { noiseSharedAmong, adaptive } = (job.privacy ?? {}) as Partial<NoisyUpdate>;
  if (noiseSharedAmong === undefined) return null;
  if (job.secureAggregation === undefined) {
    return 'privacy.noiseSharedAmong needs secureAggregation: without it each contribution is seen by itself.';
  }
  if (noiseSharedAmong > job.secureAggregation.threshold) {
    return `privacy.noiseSharedAmong is ${noiseSharedAmong}, but sums may be of ${job.secureAggregation.threshold} sites.`;
  }
  return adaptive === undefined
    ? null
    : 'privacy.noiseSharedAmong does not go with adaptive: each site would have a norm of its own.';
}
