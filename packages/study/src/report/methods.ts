/** How the numbers were computed, and what is needed to repeat the rehearsal. */
import { patientsPerSiteMin } from '../bootstrap.ts';
import { allRegions, type Comparison } from '../comparison.ts';
import { html, type Markup } from '../markup.ts';
import type { RehearsalRecord } from '../record.ts';
import { counted, duration, grouped, moment, regionName } from '../wording.ts';

export function methodsSection(record: RehearsalRecord, comparison: Comparison): Markup {
  return html`<section aria-labelledby="methods">
<h2 id="methods">Methods and conventions</h2>
<dl class="methods">
<dt>Regions</dt><dd>${record.regions.map((region) => `${regionName(record, region.id)}: ${classNames(record, region.classes)}`).join('; ')}. “Mean over the regions” is, for each
case, the mean of the regions’ Dice.</dd>
<dt>Mean Dice</dt><dd>Mean over all test cases; every case counts the same, so a site with more test cases weighs more. “Sites’ own models”: each
case counts once, with the mean over the sites’ models that segmented it.</dd>
<dt>Intervals</dt><dd>95 % percentile bootstrap, ${grouped(comparison.resamples.count)} resamples, one set for all numbers. Patients, not cases, are drawn with replacement: ${comparison.resamples.withinSites ? 'within their site, so every resample has each site’s number of patients' : `from all sites together, because some site has fewer than ${patientsPerSiteMin} test patients`}.</dd>
<dt>Differences</dt><dd>Paired: the federated model’s Dice less the other’s on the same case, then the mean and its interval. No correction for looking
at several differences.</dd>
<dt>Empty masks</dt><dd>Where neither reference nor prediction holds a region there is nothing to score, and the case does not count for it. Where only
one of them does, Dice and surface Dice are 0 and HD95 is infinite; such cases are counted as missed or invented, and the median HD95 is
over the rest.</dd>
<dt>Surface Dice</dt><dd>Share of both surfaces within ${record.toleranceMm} mm of the other (normalised surface distance).</dd>
<dt>Lesions</dt><dd>Connected components of a region (26 neighbours). Found: the prediction covers at least a tenth of it. False: a predicted
component of which less than a tenth lies in the reference.</dd>
${
  comparison.calibration.federated[allRegions]!.ece.cases === 0
    ? ''
    : html`<dt>Calibration</dt><dd>On the grid of the plan, of the probabilities from which classes are made, summed over a region’s classes. Brier score: mean squared
difference between probability and reference. Expected calibration error: over ten bins of probability, the difference between its mean and the share that the
reference has, weighted by voxels (Mehrtash et al. 2020, doi:10.1109/TMI.2020.3006437). Voxels of one case are not independent: the intervals are over patients.</dd>
`
}<dt>Not covered</dt><dd>Each model was trained once, from one seed: the intervals do not include the chance in training. Local and pooled models were
trained by the same plan as the federated one, not tuned for themselves.${record.synthetic ? ' The images are synthetic: results show that the machinery works, and not how well it segments patients.' : ''}</dd>
</dl>
</section>`;
}

export function reproducibilitySection(record: RehearsalRecord): Markup {
  const federated = record.jobs.find((job) => job.kind === 'federated');
  return html`<section aria-labelledby="repeat">
<h2 id="repeat">To repeat this</h2>
<pre class="command"><code>${record.command}</code></pre>
<dl class="facts">
<dt>Seed</dt><dd>${record.seed}</dd>
<dt>Federated weights</dt><dd><code class="hash">${federated?.weightsSha256 ?? '–'}</code> (SHA-256)</dd>
<dt>Started</dt><dd>${moment(record.startedAt)}; took ${duration(record.seconds)}</dd>
<dt>Machine</dt><dd>${record.machine}</dd>
<dt>Software</dt><dd>${Object.entries(record.software)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}</dd>
<dt>Training</dt><dd>${record.plan.network}; patches of ${record.plan.patchSize.join(' × ')} voxels, ${counted(record.plan.batchSize, 'patch', 'patches')} a step; ${record.plan.loss}; ${record.plan.optimiser}</dd>
<dt>Every score</dt><dd><code>metrics.csv</code>, <code>metrics.json</code> and <code>summary.json</code> beside this file</dd>
</dl>
</section>`;
}

function classNames(record: RehearsalRecord, values: readonly number[]): string {
  return values.map((value) => record.classes.find((one) => one.value === value)?.name ?? `class ${value}`).join(' + ');
}
