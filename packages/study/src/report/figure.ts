/** The frame around every figure: title, picture, legend, caption, and its numbers as a table. */
import { html, type Markup, type MarkupValue } from '../markup.ts';

export interface TableContent {
  readonly caption: string;
  readonly head: readonly string[];
  /** Names of the columns that hold words, which are left-aligned and may wrap; the others hold numbers. */
  readonly words?: readonly string[];
  /** The first cell of a row is its header; a row that is one text is the heading of the rows below it. */
  readonly rows: readonly (string | readonly MarkupValue[])[];
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
export function table({ caption, head, rows, words = [] }: TableContent): Markup {
  const kind = head.map((name) => (words.includes(name) ? 'words' : 'number'));
  const body = rows.map((row) => {
    if (typeof row === 'string') {
      return html`<tr class="group"><th scope="rowgroup" colspan="${head.length}">${row}</th></tr>\n`;
    }
    const cells = row.slice(1).map((cell, index) => html`<td class="${kind[index + 1]}">${cell}</td>`);
    return html`<tr><th scope="row">${row[0]}</th>${cells}</tr>\n`;
  });
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${head.map((name, index) => html`<th scope="col" class="${kind[index]}">${name}</th>`)}</tr></thead>
<tbody>
${body}
</tbody>
</table></div>`;
}
