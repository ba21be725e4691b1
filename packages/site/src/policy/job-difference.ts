/** How one job differs from another, in lines that a person who has to approve it can read. */
import type { Json } from '@consilium/protocol';
import type { NetworkFacts } from './network-facts.ts';

/** What approval is for. */
export interface JobFacts {
  /** As it was signed, without its name and how long it waits. */
  readonly settings: Json;
  /** null where the job has none. */
  readonly network: NetworkFacts | null;
  /** Of this site's Consilium. */
  readonly software: string;
}

/** In the order of the settings' names; empty if nothing differs. */
export function differenceOf(before: JobFacts, after: JobFacts): readonly string[] {
  return [
    ...changes('', before.settings, after.settings),
    ...networkChanges(before.network, after.network),
    ...(before.software === after.software ? [] : [`this site’s Consilium: ${before.software} -> ${after.software}`]),
  ];
}

function changes(path: string, before: Json | undefined, after: Json | undefined): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changes(path === '' ? name : `${path}.${name}`, before[name], after[name]));
  }
  return [`${path}: ${shown(before)} -> ${shown(after)}`];
}

function networkChanges(before: NetworkFacts | null, after: NetworkFacts | null): string[] {
  if (before === null || after === null) {
    if (before === after) return [];
    return [after === null ? 'no network any more' : `a network of ${inWords(after.parameters)} parameters`];
  }
  const size =
    before.parameters === after.parameters
      ? []
      : [`network: ${inWords(before.parameters)} -> ${inWords(after.parameters)} parameters`];
  const names = [...new Set([...Object.keys(before.operators), ...Object.keys(after.operators)])].sort();
  const operators = names.flatMap((name) => {
    const [was, is] = [before.operators[name] ?? 0, after.operators[name] ?? 0];
    if (was === is) return [];
    return [`network: ${Math.abs(is - was)} ${is > was ? 'more' : 'fewer'} of ${name} (${was} -> ${is})`];
  });
  return [...size, ...operators];
}

function inWords(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} million`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(1)} thousand` : String(count);
}

const shownMax = 120;

function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}...`;
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
