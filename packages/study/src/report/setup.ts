/** What was done, in words and in a table of the sites. */
import type { Comparison } from '../comparison.ts';
import { html, type Markup } from '../markup.ts';
import type { JobRecord, RehearsalRecord, SiteRecord } from '../record.ts';
import { counted, grouped } from '../wording.ts';
import { table } from './figure.ts';

export function setupSection(record: RehearsalRecord, comparison: Comparison): Markup {
  const { plan } = record;
  return html`<section aria-labelledby="setup">
<h2 id="setup">What was done</h2>
<ol class="steps">
<li><b>Split.</b> Each site divided its own studies by patient into training, validation and test, before anything was trained. The
test studies were used once, for this report.</li>
<li><b>Plan.</b> The sites shared statistics of their images, no image; from these came one plan: ${plan.network}${plan.parameterCount === undefined ? '' : html`, ${grouped(plan.parameterCount)} parameters`},
on voxels of ${plan.spacingMm.map((value) => trimmed(value)).join(' × ')} mm in patches of ${plan.patchSize.join(' × ')} voxels (z, y, x).</li>
<li><b>Federated training.</b> In every round each site trained the shared model on its own images (${counted(plan.stepsPerRound, 'step')} of
${counted(plan.batchSize, 'patch', 'patches')}; ${plan.loss}; ${plan.optimiser}) and sent back weights only, which were combined: ${plan.aggregation}. Training was to
stop once the validation score had not risen by ${trimmed(plan.minimumGain)} for ${counted(plan.patience, 'round')}, or after ${counted(plan.roundsMax, 'round')}.</li>
${comparisonStep(record)}
${testStep(record, comparison)}
</ol>
${protectionPart(record)}
<h3>The sites</h3>
${siteTable(record)}
</section>`;
}

function protectionPart({ protection }: RehearsalRecord): Markup {
  if (protection.length === 0) return html``;
  return html`<h3>What protected the patients, and what was checked</h3>
<ul>
${protection.map((sentence) => html`<li>${sentence}</li>`)}
</ul>`;
}

function comparisonStep(record: RehearsalRecord): Markup {
  const ran = (kind: JobRecord['kind']): boolean => record.jobs.some((job) => job.kind === kind);
  const steps = [
    ...(ran('local') ? ['each site trained its own model alone in the same way'] : []),
    ...(ran('pooled')
      ? ['one model was trained on all images together, which a rehearsal may do and a real project may not']
      : []),
  ];
  return steps.length === 0 ? html`` : html`<li><b>For comparison,</b> ${steps.join('; ')}.</li>`;
}

function testStep(record: RehearsalRecord, comparison: Comparison): Markup {
  if (comparison.cases.length === 0) return html`<li><b>Test.</b> No model got as far as the test.</li>`;
  const studies = counted(comparison.cases.length, 'study', 'studies');
  return html`<li><b>Test.</b> Every model segmented every site’s test studies, ${studies} in all, scored against ${record.scoredAgainst}.</li>`;
}

function siteTable(record: RehearsalRecord): Markup {
  const columns: [string, (site: SiteRecord) => number][] = [
    ['Training', (site) => site.studies.train],
    ['Validation', (site) => site.studies.validation],
    ['Test', (site) => site.studies.test],
    ['Excluded', (site) => site.excluded.length],
  ];
  const profileColumns: [string, keyof SiteRecord['profile']][] = [
    ['Scanner', 'scanner'],
    ['Slice spacing, mm', 'sliceSpacingMm'],
    ['Contrast phase', 'contrastPhases'],
    ['Labelling habit', 'labelling'],
  ];
  const known = profileColumns.filter(([, key]) => record.sites.some((site) => site.profile[key] !== undefined));
  const sum = (value: (site: SiteRecord) => number): number =>
    record.sites.reduce((total, site) => total + value(site), 0);
  return table({
    caption: 'Studies of each site by part of the split, and what makes the site different',
    head: ['Site', ...columns.map(([name]) => name), ...known.map(([name]) => name)],
    words: known.map(([name]) => name),
    rows: [
      ...record.sites.map((site) => [
        site.name,
        ...columns.map(([, value]) => value(site)),
        ...known.map(([, key]) => site.profile[key] ?? '–'),
      ]),
      ['All', ...columns.map(([, value]) => html`<b>${sum(value)}</b>`), ...known.map(() => '')],
    ],
  });
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}
