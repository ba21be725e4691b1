/** HTML as a tagged template that escapes every value; only what another `html` template made goes in as it is. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupValue = Markup | string | number | null | undefined | readonly MarkupValue[];

export function html(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(parts.map((part, index) => part + (index < values.length ? textOf(values[index]) : '')).join(''));
}

function textOf(value: MarkupValue): string {
  if (value instanceof Markup) return value.text;
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? value.map(textOf).join('') : escapeText(String(value));
}

/** For text and for values of attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
