/**
 * How the sites of a project differ, from what they have told to plan with: histograms of whole counts, sums of volumes; and
 * from the test of a model, how much larger or smaller each draws than the model does. No image and no value of one patient.
 */
import { z } from 'zod';
import type { ExperimentRecord } from '../experiment/experiment-record.ts';
import { StudyError } from '../study-error.ts';
import { type Histogram, histogramQuantile, jensenShannon, wasserstein } from './histogram-distance.ts';

export const properties = ['sliceSpacingMm', 'pixelSpacingMm', 'organHu'] as const;
export type Property = (typeof properties)[number];

interface SiteDescription {
  readonly siteId: string;
  /** Training cases. */
  readonly cases: number;
  readonly histograms: Readonly<Record<Property, Histogram>>;
  readonly quantiles: Readonly<
    Record<Property, { readonly low: number; readonly median: number; readonly high: number }>
  >;
  /** Mean volume of what is drawn of each class, of the cases that have it, by the class's number; ml. */
  readonly classMl: Readonly<Record<string, number>>;
  /** Phases of contrast enhancement and their cases; what is rare a site does not tell. */
  readonly phases: Readonly<Record<string, number>>;
  /**
   * How far the site's drawn surfaces lie outside the model's, mean over cases and regions, mm; negative: inside. null: not
   * tested, or of too few cases.
   */
  readonly boundaryBiasMm: number | null;
}

export interface SiteDifferences {
  readonly sites: readonly SiteDescription[];
  /** Of each property, between each two sites in their order. */
  readonly distances: Readonly<
    Record<Property, { readonly wasserstein: readonly number[][]; readonly jensenShannon: readonly number[][] }>
  >;
}

const histogramSchema = z.object({
  binWidth: z.number().positive(),
  firstBin: z.int(),
  counts: z.array(z.int().min(0)),
});
const fingerprintSchema = z.object({
  cases: z.int().min(0),
  spacingMm: z.tuple([histogramSchema, histogramSchema, histogramSchema]),
  foregroundHu: histogramSchema,
  phases: z.array(z.object({ phase: z.string(), cases: z.int() })).default([]),
  classes: z.array(z.object({ value: z.int(), cases: z.int(), totalMm3: z.number() })),
});

/** A mean of fewer test cases is not told. */
const casesMin = 3;

/** @throws StudyError `study.input-malformed` if a site has described its data in another form */
export function siteDifferences(record: Pick<ExperimentRecord, 'data' | 'scores'>): SiteDifferences {
  const sites = record.data.sites
    .map(({ fingerprint, siteId }) => describe(siteId, fingerprint, biasOf(siteId, record.scores)))
    .sort((one, other) => (one.siteId < other.siteId ? -1 : 1));
  const between = (distance: typeof wasserstein, property: Property) =>
    sites.map((one) => sites.map((other) => distance(one.histograms[property], other.histograms[property])));
  const ofProperty = (property: Property) => ({
    wasserstein: between(wasserstein, property),
    jensenShannon: between(jensenShannon, property),
  });
  return {
    sites,
    distances: {
      sliceSpacingMm: ofProperty('sliceSpacingMm'),
      pixelSpacingMm: ofProperty('pixelSpacingMm'),
      organHu: ofProperty('organHu'),
    },
  };
}

function describe(siteId: string, fingerprint: unknown, boundaryBiasMm: number | null): SiteDescription {
  const parsed = fingerprintSchema.safeParse(fingerprint);
  if (!parsed.success) {
    const { message, path } = parsed.error.issues[0]!;
    throw new StudyError('study.input-malformed', `what ${siteId} has told of its data: ${path.join('.')}: ${message}`);
  }
  const { cases, classes, foregroundHu, phases, spacingMm } = parsed.data;
  const histograms = { sliceSpacingMm: spacingMm[0], pixelSpacingMm: spacingMm[2], organHu: foregroundHu };
  const quantilesOf = (histogram: Histogram) => ({
    low: histogramQuantile(histogram, 0.05),
    median: histogramQuantile(histogram, 0.5),
    high: histogramQuantile(histogram, 0.95),
  });
  return {
    ...{ siteId, cases, histograms, boundaryBiasMm },
    quantiles: {
      sliceSpacingMm: quantilesOf(histograms.sliceSpacingMm),
      pixelSpacingMm: quantilesOf(histograms.pixelSpacingMm),
      organHu: quantilesOf(histograms.organHu),
    },
    classMl: Object.fromEntries(
      classes.filter((one) => one.cases > 0).map((one) => [one.value, one.totalMm3 / one.cases / 1000]),
    ),
    phases: Object.fromEntries(phases.map((one) => [one.phase, one.cases])),
  };
}

/** Over all tested models. A score tells how far the prediction lies outside what is drawn, so its sign is turned. */
function biasOf(siteId: string, scores: ExperimentRecord['scores']): number | null {
  const own = scores.filter((score) => score.siteId === siteId);
  if (new Set(own.map((score) => score.case)).size < casesMin) return null;
  const biases = own.flatMap(({ regions }) =>
    Object.values(regions).flatMap((metrics) => metrics['boundaryBiasMm'] ?? []),
  );
  return biases.length === 0 ? null : -biases.reduce((sum, value) => sum + value, 0) / biases.length;
}
