/**
 * Which site gains by training together and which loses: the model of all on the site's own test patients, less the model that
 * the site trained alone, of an experiment that has both and in which they differ in nothing else.
 */
import { canonicalJson, type Json } from '@consilium/protocol';
import type { Estimate } from '../bootstrap.ts';
import type { ExperimentAnalysis } from '../experiment/experiment-analysis.ts';
import type { ExperimentRecord } from '../experiment/experiment-record.ts';

export interface SiteGain {
  readonly siteId: string;
  /** Dice, paired by case; null: the site has too few test patients to tell. */
  readonly gain: Estimate | null;
  readonly jobs: readonly string[];
}

/** In the order of the sites; without sites that did not train alone. */
export function siteGains(
  { configurations, data }: Pick<ExperimentRecord, 'configurations' | 'data'>,
  analysis: Pick<ExperimentAnalysis, 'comparisons' | 'configurations'>,
): SiteGain[] {
  const jobsOf = (id: string) => analysis.configurations.find(({ configuration }) => configuration === id)?.jobs ?? [];
  return data.sites.flatMap(({ siteId }) => {
    const alone = configurations.find(({ settings: { participants } }) => participants?.join() === siteId);
    const together = alone && configurations.find((one) => isTogether(one) && sameBut(one, alone));
    if (alone === undefined || together === undefined) return [];
    const pair = analysis.comparisons.find(
      ({ first, second }) =>
        (first === alone.id && second === together.id) || (first === together.id && second === alone.id),
    );
    if (pair === undefined) return [];
    const difference = pair.differenceBySite[siteId] ?? null;
    const gain = difference === null || pair.second === together.id ? difference : turned(difference);
    return [{ siteId, gain, jobs: [...jobsOf(together.id), ...jobsOf(alone.id)] }];
  });
}

type Named = ExperimentRecord['configurations'][number];

function isTogether({ settings }: Named): boolean {
  return settings.participants === undefined;
}

function sameBut(one: Named, other: Named): boolean {
  const key = ({ settings }: Named) => canonicalJson({ ...settings, participants: null } as Json);
  return key(one) === key(other);
}

function turned(estimate: Estimate): Estimate {
  return { ...estimate, mean: -estimate.mean, low: -estimate.high, high: -estimate.low };
}
