/** How sites differ and what harmonisation does about it, for people: a line for each site, and a line for each two. */
import type { SiteDifferences } from '@consilium/study';
import { textTable } from './answer.ts';

export function differencesText({ harmonisation, sites }: SiteDifferences): string {
  const head = ['site', 'cases', 'slices mm', 'thickness mm', 'density HU', 'vendor', 'kernel', 'phases'];
  const rows = sites.map(({ cases, phases, quantiles, scanners, siteId, sliceThicknessMm }) => [
    ...[siteId, String(cases), quantiles.sliceSpacingMm.median.toFixed(2), sliceThicknessMm?.toFixed(1) ?? ''],
    ...[quantiles.organHu.median.toFixed(0), ...[scanners.vendor, scanners.kernel, phases].map(countsText)],
  ]);
  const effects = harmonisation.map((effect) => effectText(effect, sites));
  const untold =
    harmonisation.length > 0 ? [] : ['What harmonisation does about it does not follow from what these sites tell.'];
  return [textTable([head, ...rows]), ...effects, ...untold].join('\n\n');
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, cases]) => `${name} ${cases}`)
    .join(', ');
}

function effectText(
  { caution, chance, finding, kind, measures, unit }: SiteDifferences['harmonisation'][number],
  sites: SiteDifferences['sites'],
): string {
  const digits = unit === 'HU' ? 1 : 2;
  const shown = (value: number | undefined) => (Number.isFinite(value) ? value!.toFixed(digits) : '');
  const rows = sites.flatMap(({ siteId: one }, row) =>
    sites
      .slice(row + 1)
      .map(({ siteId: other }, index) => [
        `${one} – ${other}`,
        ...measures.map(({ distances }) => shown(distances[row]?.[row + 1 + index])),
        ...(chance === null ? [] : [shown(chance[row]?.[row + 1 + index])]),
      ]),
  );
  const head = ['two sites', ...measures.map(({ name }) => name), ...(chance === null ? [] : ['by chance'])];
  return [`${kind}, ${unit}`, finding, '', textTable([head, ...rows]), '', caution].join('\n');
}
