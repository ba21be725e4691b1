/**
 * ComBat (Johnson, Li and Rabinovic 2007; for imaging Fortin et al. 2017) from federated sums: each site tells count, sum and
 * squared deviations of each feature, and what comes of it is what ComBat makes of all values in one place, because the
 * method needs no more of them. Site effects are shrunk towards what they are over the features. Without covariates: what
 * differs because patients differ is taken out, too.
 */
import type { VariableSummary } from '@consilium/protocol';

interface SiteEffect {
  /** In pooled standard deviations, after shrinkage. */
  readonly shift: number;
  /** Factor of the standard deviation, after shrinkage. */
  readonly scale: number;
}

export interface FeatureHarmonisation {
  readonly mean: number;
  /** Of all values about their site's mean. */
  readonly deviation: number;
  readonly sites: Readonly<Record<string, SiteEffect>>;
}

type Summaries = Readonly<Record<string, Pick<VariableSummary, 'count' | 'sum' | 'squaredDeviations'>>>;

const iterationsMax = 10_000;
const settledAt = 1e-13;

/**
 * @param features of each feature, what each site tells; of a site every feature or none, each of at least two values
 * @returns by feature
 */
export function harmonisationOf(features: Readonly<Record<string, Summaries>>): Record<string, FeatureHarmonisation> {
  const names = Object.keys(features).sort();
  const siteIds = Object.keys(features[names[0]!] ?? {}).sort();
  const pooled = names.map((name) => pooledOf(features[name]!));
  const effects = siteIds.map((siteId) => {
    const raw = names.map((name, index) => rawEffect(features[name]![siteId]!, pooled[index]!));
    return shrunk(raw);
  });
  return Object.fromEntries(
    names.map((name, index) => {
      const sites = siteIds.map((siteId, site) => [siteId, effects[site]![index]!] as const);
      return [name, { ...pooled[index]!, sites: Object.fromEntries(sites) }];
    }),
  );
}

/** A value of a site as if it had been measured at an average one. */
export function harmonised(value: number, siteId: string, { deviation, mean, sites }: FeatureHarmonisation): number {
  const { scale, shift } = sites[siteId]!;
  return mean + ((value - mean) / deviation - shift) * (deviation / scale);
}

function pooledOf(summaries: Summaries): { mean: number; deviation: number } {
  const all = Object.values(summaries);
  const count = all.reduce((sum, each) => sum + each.count, 0);
  return {
    mean: all.reduce((sum, each) => sum + each.sum, 0) / count,
    deviation: Math.sqrt(all.reduce((sum, each) => sum + each.squaredDeviations, 0) / count),
  };
}

interface RawEffect {
  readonly count: number;
  /** Mean and variance of the standardised values. */
  readonly mean: number;
  readonly variance: number;
}

function rawEffect(
  { count, sum, squaredDeviations }: Summaries[string],
  { mean, deviation }: { mean: number; deviation: number },
): RawEffect {
  return {
    count,
    mean: (sum / count - mean) / deviation,
    variance: squaredDeviations / (count - 1) / deviation ** 2,
  };
}

/** The posterior means of shift and variance by turns until they stand still (Johnson et al. 2007, equations 3.1). */
function shrunk(raw: readonly RawEffect[]): SiteEffect[] {
  const ofMeans = momentsOf(raw.map(({ mean }) => mean));
  const ofVariances = momentsOf(raw.map(({ variance }) => variance));
  const [m, s2] = [ofVariances.mean, ofVariances.variance];
  const plain = raw.map(({ mean, variance }) => ({ shift: mean, scale: Math.sqrt(variance) }));
  // One feature, or features that agree to the digit, tell nothing of how effects spread.
  if (!(ofMeans.variance > 0 && s2 > 0)) return plain;
  const [shape, rate] = [(2 * s2 + m * m) / s2, (m * s2 + m ** 3) / s2];
  return raw.map(({ count, mean, variance }) => {
    const squares = (count - 1) * variance;
    let [shift, scaleSquared] = [mean, variance];
    for (let iteration = 0; iteration < iterationsMax; iteration++) {
      const weight = count * ofMeans.variance;
      const nextShift = (weight * mean + scaleSquared * ofMeans.mean) / (weight + scaleSquared);
      const nextSquared = (0.5 * (squares + count * (mean - nextShift) ** 2) + rate) / (count / 2 + shape - 1);
      const change = Math.max(Math.abs(nextShift - shift), Math.abs(nextSquared - scaleSquared));
      [shift, scaleSquared] = [nextShift, nextSquared];
      if (change < settledAt) break;
    }
    return { shift, scale: Math.sqrt(scaleSquared) };
  });
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) };
}
