/** What the pages ask of the coordinator: every answer is of the type that the coordinator’s own table says. */
import { type Answer, type Asked, type RouteName, routes } from '@consilium/coordinator/api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { addressOf, ask, routeWith } from '../parts/service-client.ts';

/** With what a route takes, and nothing else. */
type Given<N extends RouteName> = {
  readonly [K in keyof Asked<N> as Asked<N>[K] extends undefined ? never : K]: Asked<N>[K];
};

/** @throws ServiceError */
export function askRoute<N extends RouteName>(name: N, given: Given<N>, signal?: AbortSignal): Promise<Answer<N>> {
  const { method } = routes[name];
  const { body } = given as Partial<Asked<N>>;
  return ask<Answer<N>>(pathOf(name, given), { method, body, ...(signal === undefined ? {} : { signal }) });
}

/** Of a file that the browser fetches by itself. */
export function routeAddress<N extends RouteName>(name: N, given: Given<N>): string {
  return addressOf(pathOf(name, given));
}

function pathOf<N extends RouteName>(name: N, given: Given<N>): string {
  const { params = {}, query } = given as { params?: Record<string, string>; query?: Record<string, string | number> };
  const path = routes[name].path.replace(/:(\w+)/g, (_all, key: string) => encodeURIComponent(params[key]!));
  return query === undefined ? path : routeWith(path, query);
}

function question<N extends RouteName>(name: N, given: Given<N>, ...more: readonly unknown[]) {
  return queryOptions({ queryKey: [name, ...more], queryFn: ({ signal }) => askRoute(name, given, signal) });
}

export const overview = question('overview', {});
export const jobs = question('jobs', {});
export const job = (jobId: string) => question('job', { params: { jobId } }, jobId);
export const matrix = question('matrix', {});
export const fingerprints = question('fingerprints', {});
export const privacy = question('privacy', {});
export const members = question('members', {});
export const experiments = question('experiments', {});
export const experiment = (id: string) => question('experiment', { params: { id } }, id);
export const publication = question('publication', {});
export const auditTrail = (query: Asked<'audit'>['query']) =>
  queryOptions({
    queryKey: ['audit', query],
    queryFn: ({ signal }) => askRoute('audit', { query }, signal),
    placeholderData: keepPreviousData,
  });
