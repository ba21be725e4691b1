/** What went wrong or was left out: nothing is dropped in silence. */
import { html, type Markup } from '../markup.ts';
import type { RehearsalRecord } from '../record.ts';
import { table } from './figure.ts';

export function troubleSection(record: RehearsalRecord): Markup {
  const excluded = record.sites.flatMap((site) => site.excluded.map((one) => ({ site: site.name, ...one })));
  return html`<section aria-labelledby="trouble">
<h2 id="trouble">Exclusions and warnings</h2>
${
  excluded.length === 0
    ? html`<p>No case was excluded.</p>`
    : table({
        caption: 'Excluded cases, and why',
        head: ['Site', 'Case', 'Reason', 'Code'],
        words: ['Case', 'Reason', 'Code'],
        rows: excluded.map((one) => [one.site, one.case, one.message, html`<code>${one.code}</code>`]),
      })
}
${
  record.warnings.length === 0
    ? html`<p>There were no warnings.</p>`
    : html`<h3>Warnings</h3><ul class="warnings">${record.warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`
}
</section>`;
}
