/** The frame around every figure: title, picture, legend, caption, and its numbers as a table. */
import { html, type Markup, type MarkupValue } from '../markup.ts';

export interface TableContent {
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell of a row is its header. */
  readonly rows: readonly (readonly MarkupValue[])[];
}

export function figure(content: {
  readonly title: string;
  readonly picture: MarkupValue;
  readonly caption?: MarkupValue;
  readonly numbers?: TableContent;
}): Markup {
  const { title, picture, caption, numbers } = content;
  return html`<figure>
<h3>${title}</h3>
${picture}
${caption === undefined ? '' : html`<figcaption>${caption}</figcaption>`}
${numbers === undefined ? '' : html`<details><summary>The numbers behind this figure</summary>${table(numbers)}</details>`}
</figure>`;
}

/** Scrolls sideways in its own box where the screen is too narrow. */
export function table({ caption, head, rows }: TableContent): Markup {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}
</tbody>
</table></div>`;
}
