/** `ro-crate-preview.html`: the crate for people, one page without scripts. */
import { escapeText } from '@consilium/study';
import { licenceUri } from './about.ts';
import { formatOf } from './crate-file.ts';
import type { CrateDescription } from './ro-crate.ts';

export function cratePreview({ about, files }: CrateDescription): string {
  const rows = files.map(
    (file) =>
      `<tr><td><a href="${escapeText(encodeURI(file.path))}">${escapeText(file.path)}</a></td><td>${escapeText(file.name)}</td><td>${escapeText(formatOf(file))}</td><td class="n">${sizeText(file.sizeBytes)}</td></tr>`,
  );
  const authors = about.authors
    .map(({ name, affiliation, orcid }) => {
      const text = escapeText(affiliation === undefined ? name : `${name} (${affiliation})`);
      return orcid === undefined ? text : `<a href="${escapeText(orcid)}">${text}</a>`;
    })
    .join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(about.title)}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
</style>
</head>
<body>
<main>
<h1>${escapeText(about.title)}</h1>
<p>${escapeText(about.description)}</p>
<dl>
<dt>Version</dt><dd>${escapeText(about.version)}, ${escapeText(about.date)}</dd>
<dt>Authors</dt><dd>${authors}</dd>
<dt>Licence</dt><dd><a href="${escapeText(licenceUri(about))}">${escapeText(about.licence)}</a></dd>
${about.citation === undefined ? '' : `<dt>To be cited as</dt><dd>${escapeText(about.citation)}</dd>`}
</dl>
<h2>Files</h2>
<p>Whether they are what was published says <code>consilium publish verify</code>: it holds them against
<a href="manifest.json">manifest.json</a> and its signature.</p>
<table><thead><tr><th>File</th><th>What it is</th><th>Format</th><th class="n">Size</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>
</main>
</body>
</html>
`;
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
