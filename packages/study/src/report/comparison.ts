/** Federated against local against pooled, by region, and the paired differences. */
import { type Arm, allRegions, arms, type Comparison, type Opponent, opponents } from '../comparison.ts';
import { scoreDomain } from '../figures/chart.ts';
import { intervalChart } from '../figures/interval-chart.ts';
import { html, type Markup } from '../markup.ts';
import { armColours, armShapes } from '../palette.ts';
import type { RehearsalRecord } from '../record.ts';
import {
  armNames,
  counted,
  decimal,
  percent,
  regionName,
  signed,
  signedWithInterval,
  withInterval,
} from '../wording.ts';
import { figure, table } from './figure.ts';

const shownArms = ['federated', 'local', 'local-elsewhere', 'local-at-home', 'pooled'] as const;
const opponentNames: Readonly<Record<Opponent, string>> = {
  local: '− sites’ own models',
  'local-elsewhere': '− own models at other sites',
  'local-at-home': '− own model at its own site',
  pooled: '− pooled model',
};

export async function comparisonSection(record: RehearsalRecord, comparison: Comparison): Promise<Markup> {
  if (comparison.cases.length === 0) return html``;
  return html`<section aria-labelledby="comparison">
<h2 id="comparison">Federated, local and pooled</h2>
<p class="lead">Every model was tested once on the same ${counted(comparison.cases.length, 'test case')} of ${counted(comparison.patientCount, 'patient')}, which none
of them had seen. The regions overlap; <a href="#methods">which classes each holds</a> stands below.</p>
<div class="grid two">${await Promise.all(comparison.regionKeys.map((key) => scoreFigure(record, comparison, key)))}</div>
${await differenceFigure(comparison)}
${secondaryTable(record, comparison)}
</section>`;
}

async function scoreFigure(record: RehearsalRecord, comparison: Comparison, key: string): Promise<Markup> {
  const all = comparison.regionKeys.flatMap((region) =>
    arms.flatMap((arm) => [comparison.estimates[arm][region]!.low, comparison.estimates[arm][region]!.high]),
  );
  const shown = testedArms(comparison);
  const words = shown.map((arm) => `${armNames[arm]} ${withInterval(comparison.estimates[arm][key]!)}`).join('; ');
  return figure({
    title: key === allRegions ? 'Mean over the regions' : regionName(record, key),
    picture: await intervalChart({
      alternative: `Mean Dice with 95 % interval, ${regionName(record, key)}: ${words}.`,
      axisTitle: 'Mean Dice',
      domain: scoreDomain(all),
      rows: shown.map((arm) => ({
        name: armNames[arm],
        estimate: comparison.estimates[arm][key]!,
        numbers: withInterval(comparison.estimates[arm][key]!),
        colour: armColours[arm],
        shape: armShapes[arm],
      })),
    }),
    numbers: {
      caption: `Mean Dice with 95 % interval, ${regionName(record, key)}`,
      head: ['Model', 'Mean', 'Low', 'High', 'Cases'],
      rows: shown.map((arm) => {
        const { mean, low, high, cases } = comparison.estimates[arm][key]!;
        return [armNames[arm], decimal(mean), decimal(low), decimal(high), cases];
      }),
    },
  });
}

async function differenceFigure(comparison: Comparison): Promise<Markup> {
  const shown = opponents.filter((opponent) => comparison.differences[opponent][allRegions]!.cases > 0);
  if (shown.length === 0) return html``;
  const of = (opponent: Opponent) => comparison.differences[opponent][allRegions]!;
  const reach = Math.max(0.05, ...shown.flatMap((opponent) => [of(opponent).high, of(opponent).low].map(Math.abs)));
  const low = Math.min(-0.02, ...shown.map((opponent) => of(opponent).low));
  const high = Math.max(0.02, ...shown.map((opponent) => of(opponent).high));
  const words = shown.map((opponent) => `${opponentNames[opponent]} ${signedWithInterval(of(opponent))}`).join('; ');
  return figure({
    title: 'What federation changes: differences case by case',
    picture: await intervalChart({
      alternative: `Paired difference in mean Dice, federated model ${words}.`,
      axisTitle: '← federated worse · federated better →',
      domain: [low - 0.05 * reach, high + 0.05 * reach],
      reference: 0,
      signed: true,
      wide: 1060,
      rows: shown.map((opponent) => ({
        name: `Federated ${opponentNames[opponent]}`,
        estimate: of(opponent),
        numbers: signedWithInterval(of(opponent)),
        colour: armColours.federated,
        shape: armShapes[opponent],
      })),
    }),
    caption: html`Federated model less the named one on the same case, mean over the regions, with 95 % interval. An interval that
lies wholly to one side of the dashed line is unlikely to come from the choice of test patients.`,
    numbers: {
      caption: 'Paired difference in mean Dice, federated model less the other',
      head: ['Federated', 'Mean', 'Low', 'High', 'Cases better', 'worse', 'equal'],
      rows: shown.map((opponent) => {
        const { mean, low: from, high: to, better, worse, equal } = of(opponent);
        return [opponentNames[opponent], signed(mean), signed(from), signed(to), better, worse, equal];
      }),
    },
  });
}

function secondaryTable(record: RehearsalRecord, comparison: Comparison): Markup {
  const shown = testedArms(comparison).filter((arm) => arm !== 'local-at-home' && arm !== 'local-elsewhere');
  const rows = record.regions.flatMap((region) => [
    regionName(record, region.id),
    ...shown.map((arm) => {
      const metrics = comparison.secondary[arm][region.id]!;
      return [
        armNames[arm],
        withInterval(metrics.nsd),
        decimal(metrics.hd95MedianMm, 1),
        percent(metrics.missedShare),
        percent(metrics.inventedShare),
        decimal(metrics.volumeErrorMedianMl, 1),
        percent(metrics.lesionSensitivity),
        decimal(metrics.falsePositives, 2),
      ];
    }),
  ]);
  return html`<h3>Further measures</h3>
${table({
  caption: 'Surface, volume and lesion measures by region and model',
  head: [
    'Model',
    `Surface Dice at ${record.toleranceMm} mm`,
    'HD95, mm',
    'Missed',
    'Invented',
    'Volume error, ml',
    'Lesions found',
    'False lesions a case',
  ],
  rows,
})}
<p class="note">HD95 and volume error (absolute) are medians; an HD95 exists only where both reference and prediction hold the region.
<em>Missed</em>: the reference holds the region, the prediction nothing. <em>Invented</em>: the reverse.</p>`;
}

function testedArms(comparison: Comparison): Arm[] {
  return shownArms.filter((arm) => comparison.estimates[arm][allRegions]!.cases > 0);
}
