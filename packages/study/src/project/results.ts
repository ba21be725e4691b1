/** The results behind the answers: figures with their numbers, each number with the job it came from. */

import { experimentFigures, type Figure } from '../experiment/experiment-figures.ts';
import { boxChart } from '../figures/box-chart.ts';
import { scoreDomain } from '../figures/chart.ts';
import { intervalChart } from '../figures/interval-chart.ts';
import { html, Markup } from '../markup.ts';
import { csvOf, figure, table } from '../report/figure.ts';
import { counted, decimal, signedWithInterval, withInterval } from '../wording.ts';
import { networkName, pText } from './answers.ts';
import { calibrationPart } from './calibration.ts';
import { labelColours, looksOf, resultTable } from './model-results.ts';
import type { ProjectFindings } from './project-findings.ts';
import type { ProjectRecord } from './project-record.ts';
import { gainsPart, siteTable } from './site-results.ts';
import { fromReadings, traced } from './trace.ts';

export async function effortSection(record: ProjectRecord, findings: ProjectFindings): Promise<Markup> {
  const { effort, pairs, quality } = findings;
  const { paired, proposals } = effort.unseen;
  const values = { manual: pairs.map(({ manual }) => manual), assisted: pairs.map(({ assisted }) => assisted) };
  const most = Math.max(1, ...values.manual, ...values.assisted);
  return html`<section aria-labelledby="effort">
<h2 id="effort">Was annotation faster?${record.readerModel === null ? '' : html` <span class="stamp inline">SIMULATED READERS</span>`}</h2>
<p class="lead">Every study was read by hand in the first phase and, where the model was let to propose, again in the second. The honest comparison is on
test patients, whom the model had never seen; on training patients it proposes what it was taught there.</p>
${
  pairs.length === 0
    ? html`<p>No test case was read both ways.</p>`
    : html`<div class="grid two">${figure({
        title: 'Minutes a case, test patients',
        picture: await boxChart({
          alternative: `Minutes a case. By hand: mean ${decimal(effort.unseen.minutes.manual.mean, 1)}; with proposals: mean ${decimal(effort.unseen.minutes.assisted.mean, 1)}.`,
          domain: [0, Math.ceil(most / 5) * 5],
          boxes: [
            { name: ['By hand'], values: values.manual, colour: labelColours.manual },
            { name: ['With proposals'], values: values.assisted, colour: labelColours.assisted },
          ],
        }),
        caption: html`${counted(pairs.length, 'case')} read both ways. Difference: ${fromReadings(paired === null ? '–' : minutesText(paired.minutes, true))} minutes; Wilcoxon’s test over cases, p ${paired === null ? '–' : pText(paired.wilcoxon.p)}.`,
        data: {
          name: 'minutes-a-case.csv',
          csv: csvOf([
            ['site', 'study', 'minutes_by_hand', 'minutes_with_proposal'],
            ...pairs.map((one) => [one.siteId, one.study, one.manual, one.assisted]),
          ]),
        },
      })}<div class="panel"><h3>What became of proposals</h3>${table({
        caption: 'Structures proposed in test patients',
        head: ['', 'Structures'],
        rows: [
          ['Taken as they were', fromReadings(String(proposals.accepted))],
          ['Corrected', fromReadings(String(proposals.edited))],
          ['Drawn anew', fromReadings(String(proposals.redrawn))],
        ],
      })}<p>Dice of a proposal with what was handed in: ${fromReadings(withInterval(proposals.dice))}.</p></div></div>`
}
${table({
  caption: 'Active minutes a case',
  head: ['Patients', 'By hand', 'With proposals', 'Difference, paired', 'Cases read both ways'],
  rows: (
    [
      ['Test: never seen by the model', effort.unseen],
      ['Training: the model was trained on them', effort.seen],
    ] as const
  ).map(([name, one]) => [
    name,
    fromReadings(minutesText(one.minutes.manual)),
    fromReadings(minutesText(one.minutes.assisted)),
    one.paired === null ? '–' : fromReadings(minutesText(one.paired.minutes, true)),
    one.paired?.cases ?? 0,
  ]),
})}
${qualityTable(quality)}
</section>`;
}

function minutesText(
  { cases, high, low, mean }: { mean: number; low: number; high: number; cases: number },
  signed = false,
): string {
  if (cases === 0) return '–';
  const shown = (value: number) => `${signed && value > 0 ? '+' : ''}${decimal(value, 1)}`;
  return `${shown(mean)} (${shown(low)} to ${shown(high)})`;
}

function qualityTable(quality: ProjectFindings['quality']): Markup {
  if (quality.length === 0) return html``;
  return html`<h3>Did the labels get better?</h3>
<p>Of phantoms it is known what is true. Dice of the approved labels with that, of studies that were read both ways:</p>
${table({
  caption: 'Labels against what is true',
  head: ['Structure', 'By hand', 'Corrected proposals', 'Difference, paired', 'Cases'],
  rows: quality.map(({ difference, first, second, structure }) => [
    structure,
    fromReadings(withInterval(first)),
    fromReadings(withInterval(second)),
    fromReadings(signedWithInterval(difference)),
    difference.cases,
  ]),
})}`;
}

export async function modelsSection(record: ProjectRecord, findings: ProjectFindings): Promise<Markup> {
  const { byLabels, labels } = findings;
  const tested = labels.configurations.filter(({ test }) => test !== null);
  const ends = tested.flatMap(({ test }) => [test!.low, test!.high]);
  return html`<section aria-labelledby="models">
<h2 id="models">Is the model better?</h2>
<p class="lead">Two federated models, alike but for the training labels, were tested once on the same ${counted(labels.testCases, 'case')} of ${counted(labels.testPatients, 'patient')}, against ${record.scoredAgainst}.</p>
${figure({
  title: 'Mean Dice on the test patients, mean over the regions',
  picture: await intervalChart({
    alternative: `Mean Dice with 95 % interval. ${tested.map((each) => `${looksOf(each).name}: ${withInterval(each.test!)}`).join('; ')}.`,
    axisTitle: 'Mean Dice',
    domain: scoreDomain(ends),
    wide: 1060,
    rows: tested.map((each) => ({ ...looksOf(each), estimate: each.test!, numbers: withInterval(each.test!) })),
  }),
  caption:
    byLabels === undefined
      ? ''
      : html`Corrected proposals less labels by hand, paired by case: ${traced(signedWithInterval(byLabels.difference), jobsOf(labels))}; permutation test p ${pText(byLabels.permutation.p)}, rank-biserial ${decimal(byLabels.rankBiserial, 2)}.`,
  data: { name: 'test-dice-by-case.csv', csv: scoresCsv(record.experiments.labels) },
})}
${resultTable({
  caption: 'Both models: test, validation and what training took',
  configurations: labels.configurations,
  ...{ head: 'Training labels', nameOf: (each) => looksOf(each).name },
})}
${bySiteTable(record, findings)}
${subgroupTable(findings)}
${await calibrationPart(findings)}
</section>`;
}

function bySiteTable({ sites }: ProjectRecord, { byLabels, labels }: ProjectFindings): Markup {
  if (byLabels === undefined) return html``;
  return table({
    caption: 'Who gains: corrected proposals less labels by hand on each hospital’s test patients',
    head: ['Hospital', 'Difference in Dice'],
    rows: sites.map(({ id, name }) => {
      const difference = byLabels.differenceBySite[id] ?? null;
      return [name, difference === null ? 'too few patients' : traced(signedWithInterval(difference), jobsOf(labels))];
    }),
  });
}

function subgroupTable({ labels }: ProjectFindings): Markup {
  const last = labels.configurations.at(-1)!;
  const groups = labels.subgroups[last.configuration] ?? [];
  if (groups.length === 0) return html``;
  return html`<details><summary>The model of corrected proposals in groups of patients</summary>${table({
    caption: 'Test Dice by group; groups of too few patients are not told',
    head: ['Group', 'Patients', 'Test Dice'],
    rows: groups.map((one) => [
      `${one.division}: ${one.group}`,
      one.kind === 'told' ? one.patients : '–',
      one.kind === 'told' ? traced(withInterval(one.estimate), last.jobs) : 'too few',
    ]),
  })}</details>`;
}

export async function studiesSection(record: ProjectRecord, findings: ProjectFindings): Promise<Markup> {
  const { byNetwork, differences, studies } = findings;
  const named = differences.sites.map((one) => ({
    ...{ ...one, siteId: record.sites.find(({ id }) => id === one.siteId)?.name ?? one.siteId },
  }));
  const figures = await experimentFigures(studies, { ...differences, sites: named });
  const curves = figures.filter(({ name }) => name.startsWith('learning-curve'));
  return html`<section aria-labelledby="studies">
<h2 id="studies">How many studies, and which network?</h2>
<p class="lead">${counted(studies.configurations.length, 'federated model')}, each of one architecture and of one number of training studies a hospital; smaller numbers are parts of larger ones. All
were declared beforehand and tested once.</p>
<div class="grid two">${curves.map((one, at) => embedded(one, `Learning curve: ${studies.curves[at]?.label ?? ''}`))}</div>
${resultTable({
  caption: 'Every configuration',
  configurations: studies.configurations,
  ...{ head: 'Configuration', nameOf: ({ label }) => label },
})}
${table({
  caption: 'Architectures compared, paired by case',
  head: [
    'Second less first',
    'Patients a hospital',
    'Difference in Dice',
    'p (permutation)',
    'p (Holm)',
    'Effect (d_z)',
  ],
  rows: byNetwork.map(({ comparison, studies: number }) => [
    `${labelOf(studies, comparison.second)} less ${labelOf(studies, comparison.first)}`,
    number,
    traced(signedWithInterval(comparison.difference), jobsOf(studies)),
    pCell(comparison.permutation.p),
    pCell(comparison.pHolm),
    decimal(comparison.cohensDz, 2),
  ]),
})}
<p class="note">One seed each: how much another training run would differ is not in these intervals. Test scores: <a download="studies-test-dice-by-case.csv" href="${dataUrl(scoresCsv(record.experiments.studies))}">CSV</a>.</p>
<h3 id="differences">How the hospitals differ</h3>
<div class="grid two">${figures.filter(({ name }) => name.startsWith('sites-')).map((one) => embedded(one, ''))}</div>
${siteTable(named, record.structures)}
${harmonisationPart(figures.filter(({ name }) => name.startsWith('harmonisation-')))}
${await gainsPart(record, findings)}
</section>`;
}

function harmonisationPart(figures: readonly Figure[]): Markup {
  if (figures.length === 0) return html``;
  return html`<h3 id="harmonisation">What harmonisation does about it</h3>
<p>Computed from what the hospitals told about all of their training cases; no value of a case left them.</p>
<div class="grid two">${figures.map((one) => embedded(one, ''))}</div>`;
}

function pCell(p: number): string {
  return pText(p).replace('= ', '');
}

function labelOf(analysis: ProjectFindings['studies'], configuration: string): string {
  return networkName(analysis.configurations.find((one) => one.configuration === configuration)!.label);
}

function jobsOf({ configurations }: ProjectFindings['labels']): string[] {
  return configurations.flatMap(({ jobs, test }) => (test === null ? [] : jobs));
}

/** A figure that is a file of its own, with its data. */
function embedded({ csv, name, svg, words }: Figure, title: string): Markup {
  const alternative = /<title>([^<]*)<\/title>/.exec(svg)?.[1] ?? name;
  return figure({
    title: title === '' ? (words?.title ?? alternative.replace(/;.*$/, '')) : title,
    picture: html`<div class="chart">${new Markup(svg)}</div>`,
    ...(words === undefined ? {} : { caption: html`${words.finding} <i>${words.caution}</i>` }),
    data: { name: `${name}.csv`, csv },
  });
}

function scoresCsv({ configurations, runs, scores }: ProjectRecord['experiments']['labels']): string {
  const rows = scores.flatMap(({ case: name, patient, regions, run, siteId }) => {
    const { configuration, jobId } = runs.find(({ digest }) => digest === run)!;
    const label = configurations.find(({ id }) => id === configuration)!.label;
    return Object.entries(regions).map(([region, metrics]) => [
      label,
      jobId,
      siteId,
      patient,
      name,
      region,
      metrics['dice'] ?? '',
    ]);
  });
  return csvOf([['configuration', 'job', 'site', 'patient', 'case', 'region', 'dice'], ...rows]);
}

function dataUrl(csv: string): string {
  return `data:text/csv;charset=utf-8,${encodeURIComponent(csv)}`;
}

export function failuresSection(record: ProjectRecord): Markup {
  if (record.pictures.length === 0) return html``;
  const site = (id: string) => record.sites.find((one) => one.id === id)?.name ?? id;
  const size = (png: string) => Buffer.from(png.slice(0, 44), 'base64');
  return html`<section aria-labelledby="failures">
<h2 id="failures">Where the model fails</h2>
<p class="lead">The test cases on which the model of corrected proposals overlaps least, worst first.</p>
<ul class="legend">${record.pictureLegend.map(({ colour, label }) => html`<li><span class="key" style="--key: ${/^#[0-9a-f]{3,8}$/i.test(colour) ? colour : 'transparent'}"></span>${label}</li>`)}</ul>
<div class="grid three">${record.pictures
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ caption, case: name, dice, png, siteId }) => {
      const bytes = size(png);
      return html`<figure class="picture"><h3>${site(siteId)} <span class="sub">Dice ${decimal(dice ?? Number.NaN, 2)}</span></h3>
<div class="frame"><img src="data:image/png;base64,${png}" width="${bytes.readUInt32BE(16)}" height="${bytes.readUInt32BE(20)}" alt="${record.synthetic ? 'Synthetic ' : ''}CT of ${name} at ${site(siteId)} with reference and model; Dice ${decimal(dice ?? Number.NaN, 2)}.">${record.synthetic ? html`<span class="stamp" aria-hidden="true">SYNTHETIC</span>` : ''}</div>
<figcaption>${name}. ${caption}</figcaption></figure>`;
    })}</div>
</section>`;
}
