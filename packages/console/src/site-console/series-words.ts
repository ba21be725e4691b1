/** A series in words: its title, where its page is, what its states mean. */
import type { SeriesDetails, SeriesEntry } from '@consilium/archive/api';

type Titled = Pick<SeriesEntry, 'description' | 'modality' | 'number'>;

export function seriesTitle({ description, modality, number }: Titled): string {
  return (
    description ??
    ([modality, number === undefined ? 'series' : `series ${number}`].filter(Boolean).join(' ') || 'Series')
  );
}

export function seriesPath(uid: string): string {
  return `/studies/series/${uid}`;
}

/** Made up for tests and rehearsals, as its description, a tag, or its attribute Synthetic Data says. */
export function isSynthetic(
  { description }: Pick<SeriesEntry, 'description'>,
  { attributes = {}, tags = [] }: Partial<Pick<SeriesDetails, 'attributes' | 'tags'>> = {},
): boolean {
  const isSaid = [description ?? '', ...tags].some((text) => /\bsynthetic\b/i.test(text));
  return isSaid || attributes['SyntheticData']?.[0] === 'YES';
}

export const stateWords: Readonly<Record<SeriesEntry['state'], string>> = {
  arriving: 'arriving',
  settled: 'about to be looked at',
  described: 'looked at',
  unreadable: 'no volume',
};

export const phases = ['unenhanced', 'corticomedullary', 'nephrographic', 'excretory'] as const;

export const phaseSources: Readonly<Record<NonNullable<SeriesEntry['phaseSource']>, string>> = {
  description: 'guessed from its words',
  labels: 'guessed from the brightness of the kidneys',
  person: 'set by a person',
};
