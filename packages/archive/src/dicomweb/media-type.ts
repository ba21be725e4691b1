/** Media types and the Accept header (RFC 9110 12.5.1) as DICOMweb uses them (PS3.18 8.7). */

export interface MediaType {
  /** In lower case, as `application/dicom`. */
  readonly name: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What the client takes, what it likes most first. Everything, if it does not say. */
export function acceptedTypes(accept: string | undefined): readonly MediaType[] {
  const ranges = splitOutsideQuotes(accept ?? '', ',')
    .map(parseMediaType)
    .filter(({ name }) => name !== '');
  if (ranges.length === 0) return [{ name: '*/*', parameters: new Map() }];
  return ranges
    .map((range) => ({ range, quality: Number(range.parameters.get('q') ?? 1) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

/** Whether a range such as `image/*` means the type. */
export function includes(range: MediaType, name: string): boolean {
  if (range.name === '*/*' || range.name === name) return true;
  return range.name.endsWith('/*') && name.startsWith(range.name.slice(0, -1));
}

export function parseMediaType(text: string): MediaType {
  const [name = '', ...rest] = splitOutsideQuotes(text, ';');
  const parameters = rest.map((parameter): [string, string] => {
    const equals = parameter.indexOf('=');
    if (equals < 0) return [parameter.trim().toLowerCase(), ''];
    const value = parameter.slice(equals + 1).trim();
    return [parameter.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1')];
  });
  return { name: name.trim().toLowerCase(), parameters: new Map(parameters) };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
