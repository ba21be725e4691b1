/** What the pages of people ask the service. */
import type { OwnAccount, PeopleList } from '@consilium/people/api';
import { queryOptions } from '@tanstack/react-query';
import { ask } from '../parts/service-client.ts';

export const ownAccount = queryOptions({
  queryKey: ['account'],
  queryFn: ({ signal }) => ask<OwnAccount>('/account', { signal }),
});
export const people = queryOptions({
  queryKey: ['people'],
  queryFn: ({ signal }) => ask<PeopleList>('/people', { signal }),
});

export const personRoute = (name: string, what: string) => `/people/${encodeURIComponent(name)}/${what}`;
