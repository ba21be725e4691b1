/** Site by site: the spread over its test cases, and what a site gains on its own patients. */
import { patientsPerSiteMin } from '../bootstrap.ts';
import { type Arm, arms, type Comparison } from '../comparison.ts';
import { boxChart } from '../figures/box-chart.ts';
import { scoreDomain } from '../figures/chart.ts';
import { html, type Markup } from '../markup.ts';
import { armColours } from '../palette.ts';
import type { RehearsalRecord, SiteRecord } from '../record.ts';
import { spreadOf } from '../spread.ts';
import { armNames, counted, decimal, signed, signedWithInterval } from '../wording.ts';
import { figure } from './figure.ts';

const boxNames: readonly (readonly [Arm, readonly string[]])[] = [
  ['federated', ['Federated']],
  ['local-at-home', ['Own', 'model']],
  ['local-elsewhere', ['Other sites’', 'models']],
  ['pooled', ['Pooled']],
];

export async function sitesSection(record: RehearsalRecord, comparison: Comparison): Promise<Markup> {
  if (comparison.cases.length === 0) return html``;
  const domain = scoreDomain(arms.flatMap((arm) => [...comparison.caseMeans[arm]]));
  const figures = await Promise.all(record.sites.map((site) => siteFigure(site, comparison, domain)));
  return html`<section aria-labelledby="sites">
<h2 id="sites">Site by site</h2>
<p class="lead">Each point is one test case of the site (Dice, mean over the regions). Boxes span the middle half, the thick line is the
median, whiskers reach to the furthest case within 1.5 times the box. An interval is given for sites with at least
${patientsPerSiteMin} test patients.</p>
<div class="grid three">${figures}</div>
</section>`;
}

async function siteFigure(
  site: SiteRecord,
  comparison: Comparison,
  domain: readonly [number, number],
): Promise<Markup> {
  const valuesOf = (arm: Arm): number[] =>
    [...comparison.caseMeans[arm]].filter(
      (value, index) => comparison.cases[index]!.siteId === site.id && !Number.isNaN(value),
    );
  const boxes = boxNames
    .map(([arm, name]) => ({ arm, name, values: valuesOf(arm), colour: armColours[arm] }))
    .filter((box) => box.values.length > 0);
  if (boxes.length === 0) return html``;
  const summaries = boxes.map(({ arm, values }) => ({ name: armNames[arm], spread: spreadOf(values)! }));
  const gain = comparison.atHome[site.id]!;
  const enough = comparison.patientCountBySite[site.id]! >= patientsPerSiteMin;
  return figure({
    title: site.name,
    picture: await boxChart({
      alternative: `Dice of the test cases of ${site.name}. Medians: ${summaries.map(({ name, spread }) => `${name} ${decimal(spread.median)}`).join('; ')}.`,
      boxes,
      domain,
    }),
    caption:
      gain.cases === 0
        ? counted(boxes[0]!.values.length, 'test case')
        : html`Federated less own model: <b>${enough ? signedWithInterval(gain) : signed(gain.mean)}</b>, higher in ${gain.better} of ${counted(gain.cases, 'case')}`,
    numbers: {
      caption: `Dice of the test cases of ${site.name}`,
      head: ['Model', 'Cases', 'Lower quartile', 'Median', 'Upper quartile'],
      rows: summaries.map(({ name, spread }) => [
        name,
        spread.count,
        decimal(spread.lowerQuartile),
        decimal(spread.median),
        decimal(spread.upperQuartile),
      ]),
    },
  });
}
