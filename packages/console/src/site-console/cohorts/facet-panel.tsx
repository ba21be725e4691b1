/** What the series of a query are, field by field; pressing a value asks for it. */
import type { Facet } from '@consilium/archive/api';
import { Alert, SimpleGrid } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { HistogramBars } from '../../parts/histogram-bars.tsx';
import { chosenOf, conditionsOf, hasRange, ranged, toggled, withoutField } from '../../parts/query-conditions.ts';
import { ValueBars } from '../../parts/value-bars.tsx';
import { facet, histogram } from '../archive-asking.ts';

const facets = [
  ['modality', 'Kind'],
  ['phase', 'Phase'],
  ['vendor', 'Vendor'],
  ['sex', 'Sex'],
  ['kernel', 'Kernel'],
  ['segment', 'Segment'],
  ['tag', 'Tag'],
] as const;
const histograms = [
  ['sliceThickness', 'Slice thickness', 'mm'],
  ['age', 'Age', 'years'],
  ['tumourVolume', 'Tumour volume', 'ml'],
  ['coverage', 'Coverage', 'mm'],
] as const;

export interface FacetPanelProps {
  readonly query: string;
  readonly onQuery: (query: string) => void;
}

export function FacetPanel(props: FacetPanelProps) {
  if (conditionsOf(props.query) === undefined) {
    return <Alert color="blue">This query has “or” in it: it is changed above, where it is written.</Alert>;
  }
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3, xl: 4 }} spacing="lg" verticalSpacing="md">
      {histograms.map(([field, title, unit]) => (
        <FieldHistogram key={field} {...{ ...props, field, title, unit }} />
      ))}
      {facets.map(([field, title]) => (
        <FieldFacet key={field} {...{ ...props, field, title }} />
      ))}
    </SimpleGrid>
  );
}

function isMissing({ value }: Facet['values'][number]): boolean {
  return value === undefined || value === null;
}

/** As a key of a value that is missing: no value is empty. */
const missingKey = '';

function keyOf(value: Facet['values'][number]['value'] | null): string {
  return value === undefined || value === null ? missingKey : String(value);
}

function FieldFacet({ field, onQuery, query, title }: FacetPanelProps & { field: string; title: string }) {
  // Counts of the other values stay in sight when one is chosen.
  const { data } = useQuery(facet(withoutField(query, field), field));
  const chosen = new Set([...chosenOf(query, field)].map(keyOf));
  const known = (data?.values ?? []).toSorted((a, b) => Number(isMissing(a)) - Number(isMissing(b)));
  const values = known.map(({ series, value }) => ({
    ...{ key: keyOf(value), count: series },
    label: value === undefined || value === null ? 'not known' : String(value),
  }));
  return (
    <ValueBars
      title={title}
      values={values}
      chosen={chosen}
      onToggle={(key) => onQuery(toggled(query, field, key === missingKey ? null : key))}
    />
  );
}

interface FieldHistogramProps extends FacetPanelProps {
  readonly field: string;
  readonly title: string;
  readonly unit: string;
}

function FieldHistogram({ field, onQuery, query, title, unit }: FieldHistogramProps) {
  const { data } = useQuery(histogram(query, field));
  const { counts = [], max = 0, min = 0, missing = 0 } = data ?? {};
  return (
    <HistogramBars
      {...{ title, unit, min, max, counts, missing }}
      onChoose={(from, to) => onQuery(ranged(query, field, { from, to, isLast: to >= max }))}
      onClear={hasRange(query, field) ? () => onQuery(withoutField(query, field)) : undefined}
    />
  );
}
