/** What the service tells in a form of its own. */
import { type AttributeChange as ImagingAttributeChange, keywordOf } from '@consilium/imaging';
import type { Split } from '../cohort/splits.ts';
import type { SeriesEntry } from '../store/series-entry.ts';

/** What de-identification did to one attribute, over all instances of a study. */
export interface AttributeChange extends ImagingAttributeChange {
  /** As PS3.6 names it; undefined for private and unknown attributes. */
  readonly keyword: string | undefined;
}
export type SeriesFacts = SeriesEntry;

/** A split with its parts as lists, as JSON has no maps. */
export interface SplitFacts extends Omit<Split, 'parts'> {
  readonly parts: Readonly<Record<string, readonly string[]>>;
}

export function attributeChangeOf(change: ImagingAttributeChange): AttributeChange {
  return { ...change, keyword: keywordOf(Number.parseInt(change.tag, 16)) };
}

export function splitFactsOf({ parts, ...split }: Split): SplitFacts {
  const byPart = Map.groupBy(parts, ([, part]) => part);
  return {
    ...split,
    parts: Object.fromEntries([...byPart].map(([part, patients]) => [part, patients.map(([patient]) => patient)])),
  };
}
