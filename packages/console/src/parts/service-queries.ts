/**
 * What the pages have asked their service is kept here; a session that is over, or that has something to do first, is
 * noticed by whatever is asked next.
 */
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ServiceError } from './service-error.ts';

/** The entrance knows what to do. */
const forEntrance: ReadonlySet<string> = new Set(['people.login-wanted', 'people.second-factor-wanted']);

export function serviceQueries(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, { queryKey }) => {
        const isForEntrance = error instanceof ServiceError && forEntrance.has(error.code);
        if (isForEntrance && queryKey[0] !== 'session') void client.invalidateQueries({ queryKey: ['session'] });
      },
    }),
    defaultOptions: {
      queries: { retry: false, staleTime: 10_000, refetchOnWindowFocus: true, networkMode: 'always' },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
