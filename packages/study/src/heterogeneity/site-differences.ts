/**
 * How the sites of a project differ, from what they have told to plan with: histograms of whole counts, sums of volumes; and
 * from the test of a model, how much larger or smaller each draws than the model does. No image and no value of one patient.
 */
import { type SiteDescription, siteDescriptionSchema } from '@consilium/protocol';
import { z } from 'zod';
import type { ExperimentRecord } from '../experiment/experiment-record.ts';
import { StudyError } from '../study-error.ts';
import { harmonisationEffects } from './harmonisation.ts';
import { type HarmonisationEffect, thicknessOf } from './harmonisation-effect.ts';
import { type Histogram, histogramQuantile, jensenShannon, wasserstein } from './histogram-distance.ts';

export const properties = ['sliceSpacingMm', 'pixelSpacingMm', 'organHu'] as const;
export type Property = (typeof properties)[number];

interface DescribedSite {
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
  /** Vendors and families of kernels and their training cases, as far as the site tells; else empty. */
  readonly scanners: Readonly<Record<'vendor' | 'kernel', Readonly<Record<string, number>>>>;
  /** Mean over the cases that say it, mm; null: not told. */
  readonly sliceThicknessMm: number | null;
}

export interface SiteDifferences {
  readonly sites: readonly DescribedSite[];
  /** Of each property, between each two sites in their order. */
  readonly distances: Readonly<
    Record<Property, { readonly wasserstein: readonly number[][]; readonly jensenShannon: readonly number[][] }>
  >;
  /** What would be done about it. Empty where sites have told only what a plan needs. */
  readonly harmonisation: readonly HarmonisationEffect[];
}

const histogramSchema = z.object({
  binWidth: z.number().positive(),
  firstBin: z.int(),
  counts: z.array(z.int().min(0)),
});
const noHistogram = { binWidth: 1, firstBin: 0, counts: [] };
const fingerprintSchema = z.object({
  cases: z.int().min(0),
  spacingMm: z.tuple([histogramSchema, histogramSchema, histogramSchema]),
  foregroundHu: histogramSchema,
  phases: z
    .array(z.object({ phase: z.string(), cases: z.int(), foregroundHu: histogramSchema.default(noHistogram) }))
    .default([]),
  classes: z.array(z.object({ value: z.int(), cases: z.int(), totalMm3: z.number() })),
});

/** A mean of fewer test cases is not told. */
const casesMin = 3;

/** @throws StudyError `study.input-malformed` if a site has described its data in another form */
export function siteDifferences(record: Pick<ExperimentRecord, 'data' | 'scores'>): SiteDifferences {
  const told = record.data.sites.map(toldBy).sort((one, other) => (one.siteId < other.siteId ? -1 : 1));
  const sites = told.map((one) => describe(one, biasOf(one.siteId, record.scores)));
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
    harmonisation: harmonisationEffects(
      told.map(({ description, fingerprint: { foregroundHu, phases, spacingMm }, siteId }) => ({
        ...{ siteId, description, phases, organHu: foregroundHu, sliceSpacing: spacingMm[0] },
      })),
    ),
  };
}

interface Told {
  readonly siteId: string;
  readonly fingerprint: z.infer<typeof fingerprintSchema>;
  readonly description: SiteDescription | null;
}

function toldBy({ description, fingerprint, siteId }: ExperimentRecord['data']['sites'][number]): Told {
  return {
    siteId,
    fingerprint: parsed(fingerprintSchema, fingerprint, siteId),
    description: description === undefined ? null : parsed(siteDescriptionSchema, description, siteId),
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, siteId: string): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const { message, path } = error.issues[0]!;
  throw new StudyError('study.input-malformed', `what ${siteId} has told of its data: ${path.join('.')}: ${message}`);
}

function describe({ description, fingerprint, siteId }: Told, boundaryBiasMm: number | null): DescribedSite {
  const { cases, classes, foregroundHu, phases, spacingMm } = fingerprint;
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
    scanners: { vendor: description?.groups['vendor'] ?? {}, kernel: description?.groups['kernel'] ?? {} },
    sliceThicknessMm: thicknessOf(description),
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
