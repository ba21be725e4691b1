/** A cohort in numbers, where images may not leave: counts and quantiles, those of few patients not told. */
import type { DatasetCase } from './dataset-case.ts';

type Count = number | 'few';

export interface CohortStatistics {
  readonly kind: 'consilium-cohort-statistics-1';
  readonly patients: number;
  readonly images: number;
  /** Counts of patients. */
  readonly phases: Readonly<Record<string, Count>>;
  readonly parts: Readonly<Record<string, Count>>;
  /** How segmentations were drawn. */
  readonly labelKinds: Readonly<Record<string, Count>>;
  /** Of images: quartiles along `[z, y, x]`, mm. */
  readonly spacingMm: readonly (readonly number[] | 'few')[];
  /** Of structures: patients who have one, and quartiles of its millilitres. */
  readonly structures: Readonly<
    Record<string, { readonly patients: Count; readonly volumeMl: readonly number[] | 'few' }>
  >;
}

export function cohortStatistics(cases: readonly DatasetCase[], minimumPatients: number): CohortStatistics {
  const patientsOf = (some: readonly DatasetCase[]) => new Set(some.map(({ patientId }) => patientId)).size;
  const told = (some: readonly DatasetCase[]): Count => {
    const count = patientsOf(some);
    return count < minimumPatients ? 'few' : count;
  };
  const counts = (of: (one: DatasetCase) => string | undefined): Record<string, Count> => {
    const groups = [...Map.groupBy(cases, (one) => of(one) ?? 'unknown')].sort(([a], [b]) => (a < b ? -1 : 1));
    const result = groups.map(([name, some]) => [name, told(some)] as const);
    // One that is hidden beside others that are told is the rest of the whole.
    const hidden = result.filter(([, count]) => count === 'few').length;
    const least = hidden === 1 ? Math.min(...result.map(([, count]) => (count === 'few' ? Infinity : count))) : null;
    return Object.fromEntries(result.map(([name, count]) => [name, count === least ? 'few' : count]));
  };
  const quantiles = (values: readonly number[], some: readonly DatasetCase[]): readonly number[] | 'few' =>
    told(some) === 'few' ? 'few' : [0.25, 0.5, 0.75].map((share) => quantile(values, share));
  const names = [...new Set(cases.flatMap(({ label }) => Object.keys(label?.volumesMl ?? {})))].sort();
  const withSpacing = cases.filter(({ spacingMm }) => spacingMm !== undefined);
  return {
    kind: 'consilium-cohort-statistics-1',
    patients: patientsOf(cases),
    images: cases.length,
    phases: counts(({ phase }) => phase),
    parts: counts(({ part }) => part),
    labelKinds: counts(({ label }) => label?.kind ?? 'none'),
    spacingMm: [0, 1, 2].map((axis) =>
      quantiles(
        withSpacing.map(({ spacingMm }) => spacingMm![axis]!),
        withSpacing,
      ),
    ),
    structures: Object.fromEntries(
      names.map((name) => {
        const some = cases.filter(({ label }) => (label?.volumesMl[name] ?? 0) > 0);
        const volumes = some.map(({ label }) => label!.volumesMl[name]!);
        return [name, { patients: told(some), volumeMl: quantiles(volumes, some) }];
      }),
    ),
  };
}

/** Linear between the two nearest, to three significant digits: no single patient's value. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return Number((low + (high - low) * (at - Math.floor(at))).toPrecision(3));
}
