/** The frame around every figure: title, picture, legend, caption, and its numbers as a table. */
import { html, Markup, type MarkupValue } from '../markup.ts';

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
  /** What the picture shows, for a spreadsheet; default: the numbers. RFC 4180. */
  readonly data?: { readonly name: string; readonly csv: string };
}): Markup {
  const { title, picture, caption, numbers } = content;
  const data =
    content.data ?? (numbers === undefined ? undefined : { name: `${slug(title)}.csv`, csv: csvOfTable(numbers) });
  return html`<figure>
<h3>${title}</h3>
${picture}
${caption === undefined ? '' : html`<figcaption>${caption}</figcaption>`}
${numbers === undefined ? '' : html`<details><summary>The numbers behind this figure</summary>${table(numbers)}</details>`}
${data === undefined ? '' : html`<p class="data"><a download="${data.name}" href="data:text/csv;charset=utf-8,${encodeURIComponent(data.csv)}">Data of this figure (CSV)</a></p>`}
</figure>`;
}

/** RFC 4180; numbers as a program reads them. */
export function csvOf(rows: readonly (readonly (string | number)[])[]): string {
  const field = (value: string | number) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function csvOfTable({ head, rows }: TableContent): string {
  const cell = (value: MarkupValue) =>
    value instanceof Markup ? value.text.replaceAll(/<[^>]*>/g, '') : String(value ?? '');
  const plain = (value: MarkupValue) =>
    cell(value)
      .replace(/^−(?=\d)/, '-')
      .replace(/^–$/, '');
  return csvOf([head, ...rows.map((row) => (typeof row === 'string' ? [row] : row.map(plain)))]);
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
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
