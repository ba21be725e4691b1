/**
 * The figures of an experiment as SVG files, each with the numbers that it shows: how sites differ, what harmonisation does
 * about it, learning curves, and whether probabilities can be believed.
 */
import { scoreDomain, standaloneSvg } from '../figures/chart.ts';
import { distributionSpec } from '../figures/distribution-chart.ts';
import { learningSpec } from '../figures/learning-chart.ts';
import { matrixSpec } from '../figures/matrix-chart.ts';
import { pairSpec } from '../figures/pair-chart.ts';
import type { HarmonisationEffect } from '../heterogeneity/harmonisation-effect.ts';
import { type Property, properties, type SiteDifferences } from '../heterogeneity/site-differences.ts';
import { calibrationFigures } from './calibration-figures.ts';
import type { ExperimentAnalysis } from './experiment-analysis.ts';

export interface Figure {
  /** Without its ending. */
  readonly name: string;
  readonly svg: string;
  /** RFC 4180. */
  readonly csv: string;
  /** What is seen in it, and what must not be read into it; of figures that are easily misread. */
  readonly words?: { readonly title: string; readonly finding: string; readonly caution: string };
}

const width = 640;
const titles: Readonly<Record<Property, { readonly name: string; readonly unit: string; readonly file: string }>> = {
  sliceSpacingMm: { name: 'Distance of slices', unit: 'mm', file: 'slice-spacing' },
  pixelSpacingMm: { name: 'Distance of pixels', unit: 'mm', file: 'pixel-spacing' },
  organHu: { name: 'Density under the segmentation', unit: 'HU', file: 'density' },
};

export async function experimentFigures(
  analysis: Pick<ExperimentAnalysis, 'configurations' | 'curves'>,
  differences: SiteDifferences,
): Promise<Figure[]> {
  const ofSites = properties.map(async (property) => [
    await distribution(property, differences),
    await distanceMatrix(property, differences),
  ]);
  const curves = analysis.curves.map((each, index) => learning(each, index + 1));
  const effects = differences.harmonisation.map((effect) => harmonisation(effect, differences));
  const made = await Promise.all([...ofSites, ...effects, ...curves, calibrationFigures(analysis.configurations)]);
  return made.flat();
}

const effectTitles: Readonly<Record<HarmonisationEffect['kind'], string>> = {
  intensity: 'What harmonisation does: density',
  spacing: 'What harmonisation does: distance and thickness of slices',
  features: 'What harmonisation does: volumes and densities of what was drawn (federated ComBat)',
};
/** More rows would be read by nobody; all are in the numbers. */
const pairsDrawnMax = 15;

async function harmonisation(effect: HarmonisationEffect, { sites }: SiteDifferences): Promise<Figure> {
  const { caution, chance, finding, kind, measures, unit } = effect;
  const pairs = sites.flatMap(({ siteId: one }, row) =>
    sites.flatMap(({ siteId: other }, column) => {
      const values = measures.map(({ distances }) => distances[row]![column]!);
      if (column <= row || !Number.isFinite(values[0])) return [];
      return [{ one, other, values, name: `${one} – ${other}`, chance: chance?.[row]?.[column] ?? null }];
    }),
  );
  const sorted = pairs.toSorted((first, second) => second.values[0]! - first.values[0]!);
  const names = measures.map(({ name }) => name);
  const left = sorted.length - pairsDrawnMax;
  const axisTitle = `How far two hospitals are apart, ${unit}${left > 0 ? ` (the ${pairsDrawnMax} farthest pairs; ${left} more in the CSV)` : ''}`;
  const spec = pairSpec({ axisTitle, measures: names, pairs: sorted.slice(0, pairsDrawnMax) }, width);
  return {
    name: `harmonisation-${kind}`,
    svg: await standaloneSvg(`${effectTitles[kind]}. ${finding}`, spec),
    csv: csvOf([
      ['site', 'other_site', ...names.map((name) => columnOf(name, unit)), 'chance_95'],
      ...sorted.map(({ chance: most, one, other, values }) => [one, other, ...values.map(number), most ?? '']),
    ]),
    words: { title: effectTitles[kind], finding, caution },
  };
}

function columnOf(name: string, unit: string): string {
  return `${name} ${unit}`.toLowerCase().replace(/[^a-z0-9]+/g, '_');
}

async function distribution(property: Property, { sites }: SiteDifferences): Promise<Figure> {
  const { file, name, unit } = titles[property];
  const drawn = sites.map(({ histograms, siteId }) => ({ name: siteId, histogram: histograms[property] }));
  const spec = distributionSpec({ axisTitle: `${name}, ${unit}`, sites: drawn }, width);
  const medians = sites.map(({ quantiles, siteId }) => `${siteId} ${quantiles[property].median.toFixed(1)}`).join(', ');
  const rows = drawn.flatMap(({ histogram: { binWidth, counts, firstBin }, name: site }) =>
    counts.flatMap((count, index) => (count === 0 ? [] : [[site, number((firstBin + index) * binWidth), count]])),
  );
  return {
    name: `sites-${file}`,
    svg: await standaloneSvg(`${name} at each site; medians in ${unit}: ${medians}.`, spec),
    csv: csvOf([['site', `bin_centre_${unit.toLowerCase()}`, 'count'], ...rows]),
  };
}

async function distanceMatrix(property: Property, { distances, sites }: SiteDifferences): Promise<Figure> {
  const { file, name, unit } = titles[property];
  const names = sites.map(({ siteId }) => siteId);
  const { jensenShannon, wasserstein } = distances[property];
  const title = `${name}: how far sites are apart, ${unit} (Wasserstein)`;
  const rows = names.flatMap((one, row) =>
    names.map((other, column) => [one, other, wasserstein[row]![column]!, jensenShannon[row]![column]!]),
  );
  return {
    name: `distances-${file}`,
    svg: await standaloneSvg(
      title,
      matrixSpec({ title, names, values: wasserstein, digits: property === 'organHu' ? 0 : 2 }),
    ),
    csv: csvOf([['site', 'other_site', `wasserstein_${unit.toLowerCase()}`, 'jensen_shannon'], ...rows]),
  };
}

async function learning({ curve, label }: ExperimentAnalysis['curves'][number], index: number): Promise<Figure[]> {
  if (curve.kind !== 'fitted') return [];
  const { ceiling, gap, rate } = curve.law;
  const ends = [...curve.measured.map(({ mean }) => mean), ...curve.points.flatMap(({ high, low }) => [low, high])];
  const spec = learningSpec({ axisTitle: 'Mean Dice on the test patients', curve, domain: scoreDomain(ends) }, width);
  const alternative = `Learning curve of ${label}: Dice ${ceiling.toFixed(3)} less ${gap.toFixed(3)} n to the minus ${rate.toFixed(2)}; dashed beyond ${curve.measured.at(-1)!.studies} studies a site, where nothing was measured.`;
  const rows = [
    ...curve.measured.map(({ mean, studies }) => ['measured', studies, mean, '', '']),
    ...curve.points.map(({ extrapolated, high, low, mean, studies }) => [
      extrapolated ? 'extrapolated' : 'fitted',
      ...[studies, mean, low, high],
    ]),
  ];
  return [
    {
      name: `learning-curve-${index}`,
      svg: await standaloneSvg(alternative, spec),
      csv: csvOf([['kind', 'studies_a_site', 'dice', 'low', 'high'], ...rows]),
    },
  ];
}

/** A bin's centre without what multiplication leaves behind. */
function number(value: number): number {
  return Number(value.toFixed(6));
}

function csvOf(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.join(',')}\r\n`).join('');
}
