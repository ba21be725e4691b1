/** Model by test site, as a table with coloured cells. */
import type { Comparison } from '../comparison.ts';
import { html, type Markup } from '../markup.ts';
import { heat } from '../palette.ts';
import type { JobRecord, RehearsalRecord } from '../record.ts';
import { decimal, siteName } from '../wording.ts';

export function matrixSection(record: RehearsalRecord, comparison: Comparison): Markup {
  if (comparison.cases.length === 0) return html``;
  const rows = orderedJobs(record).map((job) => ({
    job,
    row: comparison.matrix.find(({ model }) => model === job.id)!,
  }));
  const values = rows.flatMap(({ row }) => [...Object.values(row.sites), row.overall]).filter(Number.isFinite);
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const cell = (value: number, own: boolean): Markup => {
    if (!Number.isFinite(value)) return html`<td class="empty">–</td>`;
    const { background, text } = heat((value - low) / span);
    return html`<td class="${own ? 'own' : ''}" style="background: ${background}; color: ${text}">${decimal(value, 2)}${own ? html`<span class="hidden"> (own site)</span>` : ''}</td>`;
  };
  const count = (siteId: string): number => comparison.cases.filter((one) => one.siteId === siteId).length;
  return html`<section aria-labelledby="matrix">
<h2 id="matrix">Every model at every site</h2>
<p class="lead">Read a row to see how one model travels; read a column to see which model serves a site best. Framed cells are a site’s
own model on its own patients.</p>
<figure>
<div class="scroll" tabindex="0" role="group" aria-label="Cross-site matrix"><table class="matrix">
<caption><span>Mean Dice (mean over the regions) of each model on each site’s test cases</span></caption>
<thead><tr><th scope="col">Model</th>${record.sites.map((site) => html`<th scope="col">${site.name}<br><span class="sub">${count(site.id)} cases</span></th>`)}<th scope="col" class="overall">All sites<br><span class="sub">${comparison.cases.length} cases</span></th></tr></thead>
<tbody>
${rows.map(({ job, row }) => html`<tr class="${job.kind}"><th scope="row">${modelName(record, job)}</th>${record.sites.map((site) => cell(row.sites[site.id]!, job.siteId === site.id))}${cell(row.overall, false)}</tr>\n`)}
</tbody>
</table></div>
<figcaption>Darker is better: from ${decimal(low, 2)} to ${decimal(low + span, 2)}. Small differences between cells are within chance; see the intervals above.</figcaption>
</figure>
</section>`;
}

function orderedJobs(record: RehearsalRecord): JobRecord[] {
  const of = (kind: JobRecord['kind']): JobRecord[] => record.jobs.filter((job) => job.kind === kind);
  const order = new Map(record.sites.map((site, index) => [site.id, index]));
  const local = of('local').toSorted((a, b) => order.get(a.siteId!)! - order.get(b.siteId!)!);
  return [...of('federated'), ...local, ...of('pooled')];
}

function modelName(record: RehearsalRecord, job: JobRecord): string {
  if (job.kind === 'federated') return 'Federated';
  return job.kind === 'pooled' ? 'Pooled' : `${siteName(record, job.siteId!)} alone`;
}
