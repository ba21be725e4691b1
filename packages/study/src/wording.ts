/** Numbers and names as a reader sees them. */
import type { Estimate } from './bootstrap.ts';
import { type Arm, allRegions } from './comparison.ts';
import type { RehearsalRecord } from './record.ts';

export const armNames: Readonly<Record<Arm, string>> = {
  federated: 'Federated model',
  local: 'Sites’ own models',
  'local-elsewhere': 'Own models at other sites',
  'local-at-home': 'Own model at its own site',
  pooled: 'Pooled model',
};

/** A number with a real minus sign; a dash if there is none. */
export function decimal(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return '–';
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** A name as plans and records have it, in a sentence: `kidney-and-masses`. */
export function inText(name: string): string {
  return name.replaceAll('-', ' ');
}

export function signed(value: number, digits = 3): string {
  const text = decimal(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}\u00a0%` : '–';
}

/** "0.712 (0.664 to 0.752)". */
export function withInterval({ mean, low, high, cases }: Estimate): string {
  return cases === 0 ? '–' : `${decimal(mean)} (${decimal(low)} to ${decimal(high)})`;
}

/** "+0.159 (+0.121 to +0.197)". */
export function signedWithInterval({ mean, low, high, cases }: Estimate): string {
  return cases === 0 ? '–' : `${signed(mean)} (${signed(low)} to ${signed(high)})`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "10 000", with spaces that do not break. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}

/** "1 site", "6 sites". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** A sentence or phrase from the record, to be put into a sentence: without its full stop. */
export function phrase(text: string): string {
  return text.trim().replace(/\.+$/, '');
}

/** "2026-11-24 03:51 UTC". */
export function moment(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function regionName(record: RehearsalRecord, key: string): string {
  if (key === allRegions) return 'Mean over the regions';
  const name = record.regions.find((region) => region.id === key)?.name ?? key;
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

export function siteName(record: RehearsalRecord, siteId: string): string {
  return record.sites.find((site) => site.id === siteId)?.name ?? siteId;
}
