/** What harmonisation does about how sites differ: what it is computed from, and what is found. */
import type { SiteDescription } from '@consilium/protocol';
import type { Histogram } from './histogram-distance.ts';

/** Between each two sites, in the order of the sites; `NaN`: one of them has not told. */
export type Distances = readonly (readonly number[])[];

export interface HarmonisationEffect {
  readonly kind: 'intensity' | 'spacing' | 'features';
  readonly unit: string;
  /** The first is how sites differ now. */
  readonly measures: readonly { readonly name: string; readonly distances: Distances }[];
  /** What chance alone would give in 95 of 100 cases were two sites alike; null where that does not follow from what is told. */
  readonly chance: Distances | null;
  /** What is seen, in a sentence. */
  readonly finding: string;
  /** What must not be read into it. */
  readonly caution: string;
}

export interface HarmonisedSite {
  readonly siteId: string;
  readonly sliceSpacing: Histogram;
  readonly organHu: Histogram;
  readonly phases: readonly { readonly phase: string; readonly foregroundHu: Histogram }[];
  readonly description: SiteDescription | null;
}

/** Of all pairs; `NaN` if none is known. */
export function meanDistance(distances: Distances): number {
  const known = distances.flatMap((row, one) => row.filter((value, other) => other > one && Number.isFinite(value)));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Mean thickness of slices over the cases that say it, mm; null: not told. */
export function thicknessOf(description: SiteDescription | null): number | null {
  const own = (description?.features ?? []).filter(({ name }) => name === 'slice-thickness-mm');
  const count = own.reduce((total, each) => total + each.count, 0);
  return count === 0 ? null : own.reduce((total, each) => total + each.sum, 0) / count;
}
