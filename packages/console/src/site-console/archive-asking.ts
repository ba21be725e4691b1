/** What the pages ask of the archive, each question under the key by which its answer is kept. */
import type {
  Arrivals,
  CohortMember,
  CohortVersion,
  ErasedSubject,
  Facet,
  FindingGroup,
  Histogram,
  ImportEntry,
  Overview,
  PullEntry,
  QuarantinedFile,
  Reidentification,
  Roads,
  SearchAnswer,
  SeriesDetails,
  SplitFacts,
  StudyDetails,
  StudyEntry,
} from '@consilium/archive/api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { ask, routeWith } from '../parts/service-client.ts';

const pathOf = (...parts: readonly string[]) => parts.map((part) => `/${encodeURIComponent(part)}`).join('');

function question<T>(key: readonly unknown[], route: string) {
  return queryOptions({ queryKey: key, queryFn: ({ signal }) => ask<T>(route, { signal }) });
}

export const overview = question<Overview>(['overview'], '/overview');
export const arrivals = queryOptions({ ...question<Arrivals>(['arrivals'], '/arrivals'), refetchInterval: 15_000 });
export const imports = question<readonly ImportEntry[]>(['imports'], '/imports');
export const pulls = question<readonly PullEntry[]>(['pulls'], '/pulls');
export const roads = question<Roads>(['roads'], '/roads');
export const findingGroups = question<readonly FindingGroup[]>(['findings'], '/findings');
export const quarantined = (offset: number) =>
  question<readonly QuarantinedFile[]>(['quarantine', offset], routeWith('/quarantine', { offset, limit: 50 }));
export const reidentifications = question<readonly Reidentification[]>(['reidentifications'], '/reidentifications');
export const erasures = question<readonly ErasedSubject[]>(['erasures'], '/erasures');
export const cohorts = question<readonly CohortVersion[]>(['cohorts'], '/cohorts');
export const splits = question<readonly SplitFacts[]>(['splits'], '/splits');

export interface CohortFacts {
  readonly version: CohortVersion;
  readonly members: readonly CohortMember[];
}
export const cohort = (name: string, version: number | undefined) =>
  question<CohortFacts>(['cohort', name, version], routeWith(`/cohorts${pathOf(name)}`, { version }));

export const series = (uid: string) => question<SeriesDetails>(['series', uid], `/series${pathOf(uid)}`);
export const study = (uid: string) => question<StudyDetails>(['study', uid], `/studies${pathOf(uid)}`);
export const studiesOf = (patientId: string) =>
  question<readonly StudyEntry[]>(['study', 'of', patientId], `/subjects${pathOf(patientId)}`);

export interface Searching {
  readonly query: string;
  readonly offset?: number;
  readonly limit?: number;
  readonly sortBy?: string | undefined;
  readonly descending?: boolean;
}
/** What was found before stays until the answer is here. */
export const search = ({ descending, limit = 100, offset = 0, query, sortBy }: Searching) =>
  queryOptions({
    ...question<SearchAnswer>(
      ['search', query, offset, limit, sortBy, descending],
      routeWith('/search', { query, offset, limit, sortBy, descending }),
    ),
    placeholderData: keepPreviousData,
  });
export const facet = (query: string, field: string) =>
  queryOptions({
    ...question<Facet>(['facet', query, field], routeWith('/facet', { query, field })),
    placeholderData: keepPreviousData,
  });
export const histogram = (query: string, field: string) =>
  queryOptions({
    ...question<Histogram>(['histogram', query, field], routeWith('/histogram', { query, field, bins: 16 })),
    placeholderData: keepPreviousData,
  });

export const seriesRoute = (uid: string, ...parts: readonly string[]) => `/series${pathOf(uid, ...parts)}`;
export const routeOf = (root: string, ...parts: readonly string[]) => `/${root}${pathOf(...parts)}`;
