/** Hospital by hospital: with which scanners it images, and whether it gains by training together. */
import { scoreDomain } from '../figures/chart.ts';
import { intervalChart } from '../figures/interval-chart.ts';
import { html, type Markup } from '../markup.ts';
import { armColours, armShapes } from '../palette.ts';
import { csvOf, figure, table } from '../report/figure.ts';
import { counted, decimal, signed, signedWithInterval } from '../wording.ts';
import type { ProjectFindings } from './project-findings.ts';
import type { ProjectRecord } from './project-record.ts';
import { traced } from './trace.ts';

/** Nothing where no hospital has told. */
export function siteTable(
  sites: ProjectFindings['differences']['sites'],
  structures: ProjectRecord['structures'],
): Markup {
  const told = ({ scanners: { kernel, vendor } }: (typeof sites)[number]) =>
    Object.keys(kernel).length + Object.keys(vendor).length > 0;
  if (!sites.some((one) => told(one) || one.sliceThicknessMm !== null)) return html``;
  const drawn = structures.filter(({ number }) => sites.some(({ classMl }) => classMl[number] !== undefined));
  return html`${table({
    caption: 'Scanners and labels hospital by hospital; groups of too few patients are not told',
    head: [
      ...['Hospital', 'Vendor', 'Reconstruction kernel', 'Mean thickness of slices, mm'],
      ...drawn.map(({ name }) => `Mean volume: ${name.toLowerCase()}, ml`),
      'Boundary bias, mm',
    ],
    words: ['Vendor', 'Reconstruction kernel'],
    rows: sites.map(({ boundaryBiasMm, classMl, scanners, siteId, sliceThicknessMm }) => [
      ...[siteId, countsText(scanners.vendor), countsText(scanners.kernel), decimal(sliceThicknessMm ?? Number.NaN, 1)],
      ...drawn.map(({ number }) => decimal(classMl[number] ?? Number.NaN, 1)),
      signed(boundaryBiasMm ?? Number.NaN, 2),
    ]),
  })}
<p class="note">Boundary bias: how far what the test cases are scored against lies outside the models’ surfaces, mean over test cases and models; negative: inside. It tells of labelling
habits only where a hospital’s own labels are the reference.</p>`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, cases]) => `${name} ${cases}`);
  return named.length === 0 ? '–' : named.join(', ');
}

/** Nothing where no hospital trained alone. */
export async function gainsPart({ sites }: ProjectRecord, { gains }: ProjectFindings): Promise<Markup> {
  if (gains.length === 0) return html``;
  const nameOf = (siteId: string) => sites.find(({ id }) => id === siteId)?.name ?? siteId;
  const told = gains.flatMap(({ gain, siteId }) => (gain === null || gain.cases === 0 ? [] : [{ gain, siteId }]));
  const winners = told.filter(({ gain }) => gain.low > 0).length;
  const losers = told.filter(({ gain }) => gain.high < 0).length;
  const most = Math.max(0.1, ...told.flatMap(({ gain: { high, low } }) => [Math.abs(low), Math.abs(high)]));
  const [, end] = scoreDomain([0, most]);
  const text = `${counted(winners, 'hospital')} of ${gains.length} ${winners === 1 ? 'gains' : 'gain'} by training together, ${losers} ${losers === 1 ? 'loses' : 'lose'}; of the others it cannot be said.`;
  const picture = await intervalChart({
    alternative: `Federated model less own model on each hospital’s own test patients. ${text}`,
    ...{ axisTitle: 'Gain in mean Dice', domain: [-end, end], reference: 0, signed: true, wide: 1060 },
    rows: told.map(({ gain, siteId }) => ({
      ...{ name: nameOf(siteId), estimate: gain, numbers: signedWithInterval(gain) },
      ...{ colour: armColours.federated, shape: armShapes.federated },
    })),
  });
  return html`<h3 id="gains">Which hospital gains from training together?</h3>
<p>${text} On a hospital’s own test patients: the model of all hospitals less the model that the hospital trained alone, on the same labels and with the same settings.</p>
${
  told.length === 0
    ? ''
    : figure({
        title: 'Federated model less the hospital’s own model, Dice on its own test patients',
        picture,
        caption:
          'Right of the dashed line a hospital gains. 95 % interval by bootstrap over its test patients; one seed, so that how much another training run would differ is not in it.',
        data: {
          name: 'gain-by-hospital.csv',
          csv: csvOf([
            ['site', 'gain_in_dice', 'low', 'high', 'cases'],
            ...told.map(({ gain, siteId }) => [siteId, gain.mean, gain.low, gain.high, gain.cases]),
          ]),
        },
      })
}
${table({
  caption: 'Gain by training together',
  head: ['Hospital', 'Gain in Dice', 'Cases'],
  rows: gains.map(({ gain, jobs, siteId }) => [
    nameOf(siteId),
    gain === null ? 'too few patients' : traced(signedWithInterval(gain), [...jobs]),
    gain === null ? '–' : gain.cases,
  ]),
})}`;
}
