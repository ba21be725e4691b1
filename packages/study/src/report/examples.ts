/** What the federated model's segmentations look like: a best, a median and a worst case. */
import { html, type Markup } from '../markup.ts';
import type { PictureRecord, RehearsalRecord } from '../record.ts';
import { decimal, siteName } from '../wording.ts';

const kinds = { best: 'Best case', median: 'Median case', worst: 'Worst case' } as const;

export function examplesSection(record: RehearsalRecord): Markup {
  if (record.pictures.length === 0) return html``;
  const order = Object.keys(kinds);
  const pictures = record.pictures.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return html`<section aria-labelledby="examples">
<h2 id="examples">What the segmentations look like</h2>
<p class="lead">The federated model on its best, its middle and its worst test case, by Dice. The worst case is the one to learn from.${record.synthetic ? '' : ' These are images of patients: this file is for those who may see them.'}</p>
${legend(record)}
<div class="grid three">${pictures.map((picture) => pictureFigure(record, picture))}</div>
</section>`;
}

function legend(record: RehearsalRecord): Markup {
  if (record.pictureLegend.length === 0) return html``;
  return html`<ul class="legend">${record.pictureLegend.map(({ label, colour }) => html`<li><span class="key" style="--key: ${safeColour(colour)}"></span>${label}</li>`)}</ul>`;
}

function pictureFigure(record: RehearsalRecord, picture: PictureRecord): Markup {
  const dice = decimal(picture.dice ?? Number.NaN);
  const site = siteName(record, picture.siteId);
  const alternative = `${kinds[picture.kind]}: ${record.synthetic ? 'synthetic ' : ''}CT of case ${picture.case}, ${site}, with segmentation; Dice ${dice}. ${picture.caption}`;
  const size = pngSize(picture.png);
  const dimensions = size === undefined ? '' : html` width="${size.width}" height="${size.height}"`;
  return html`<figure class="picture">
<h3>${kinds[picture.kind]} <span class="sub">Dice ${dice}</span></h3>
<div class="frame"><img src="data:image/png;base64,${picture.png}" alt="${alternative}"${dimensions}>${record.synthetic ? html`<span class="stamp" aria-hidden="true">SYNTHETIC</span>` : ''}</div>
<figcaption>${site}, case ${picture.case}. ${picture.caption}</figcaption>
</figure>`;
}

/** From the IHDR chunk (PNG specification, 11.2.2), which is always the first. */
function pngSize(base64: string): { width: number; height: number } | undefined {
  const bytes = Buffer.from(base64.slice(0, 44), 'base64');
  if (bytes.length < 24 || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** A colour goes into a style attribute: only plain notations do. */
function safeColour(colour: string): string {
  return /^(#[0-9a-f]{3,8}|[a-z]+|rgba?\([0-9., %]+\))$/i.test(colour) ? colour : 'transparent';
}
