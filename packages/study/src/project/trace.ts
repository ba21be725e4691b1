/** Numbers that lead back: each with the job it came from, and the job with its entry in the coordinator's audit log. */
import type { ExperimentRecord } from '../experiment/experiment-record.ts';
import { html, type Markup, type MarkupValue } from '../markup.ts';
import { table } from '../report/figure.ts';
import { grouped } from '../wording.ts';
import type { ProjectRecord } from './project-record.ts';

/** A number with where it came from: shown when pointed at, and a link to the table of jobs. */
export function traced(value: MarkupValue, jobs: readonly string[]): Markup {
  if (jobs.length === 0) return html`${value}`;
  return html`<a class="trace" href="#job-${jobs[0]!}" title="from ${jobs.join(', ')}">${value}</a>`;
}

/** A number from readings. */
export function fromReadings(value: MarkupValue): Markup {
  return html`<a class="trace" href="#readings" title="from the measures of the reading rooms, in project.json">${value}</a>`;
}

export function traceSection(record: ProjectRecord): Markup {
  const { ledger, software } = record;
  return html`<section aria-labelledby="trace">
<h2 id="trace">Where each number comes from</h2>
<p class="lead">A dotted underline leads from a number to the job here, and from the job to its entry in the coordinator’s audit log. <span id="readings">Minutes,
edits and what became of proposals</span> come from the measures of each reading room; they lie reading by reading in <code>project.json</code>.</p>
<dl class="facts">
<dt>Software</dt><dd>${Object.entries(software)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}</dd>
<dt>Audit log</dt><dd>${
    ledger === null
      ? 'not found'
      : html`${grouped(ledger.entries)} entries when this was written; root <code class="hash">${ledger.rootSha256}</code>, key <code class="hash">${ledger.keySha256}</code>`
  }</dd>
</dl>
${table({
  caption: 'Training jobs',
  head: [
    'Job',
    'Experiment',
    'Configuration',
    'Ledger entry',
    'Kept',
    'Weights (SHA-256)',
    'Graph (SHA-256)',
    'Plan (SHA-256)',
    'Run (SHA-256)',
  ],
  words: ['Experiment', 'Configuration', 'Weights (SHA-256)', 'Graph (SHA-256)', 'Plan (SHA-256)', 'Run (SHA-256)'],
  rows: jobRows(record),
})}
</section>`;
}

/** Each job once, where it was trained first. */
function jobRows({ experiments, jobs }: ProjectRecord): MarkupValue[][] {
  const seen = new Set<string>();
  const entryOf = (jobId: string) => jobs.find((job) => job.jobId === jobId)?.ledgerEntry ?? null;
  const digest = (value: string) => html`<code title="${value}">${value.slice(0, 12)}</code>`;
  return Object.values(experiments).flatMap(({ configurations, experiment, runs }: ExperimentRecord) =>
    runs
      .filter(({ jobId }) => !seen.has(jobId) && seen.add(jobId))
      .map((run) => {
        const entry = entryOf(run.jobId);
        const label = configurations.find(({ id }) => id === run.configuration)!.label;
        return [
          html`<span id="job-${run.jobId}"><code>${run.jobId}</code></span>`,
          experiment.name,
          `${label}, seed ${run.settings.seed}`,
          entry === null ? '–' : String(entry),
          run.best === null ? '–' : `round ${run.best.round}`,
          run.best === null ? '–' : digest(run.best.weights),
          digest(run.model),
          digest(run.planSha256),
          digest(run.digest),
        ];
      }),
  );
}
