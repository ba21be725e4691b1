/** What the pages have asked their service is kept here; a session that is over is noticed by whatever is asked next. */
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ServiceError } from './service-error.ts';

export function serviceQueries(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, { queryKey }) => {
        const isOver = error instanceof ServiceError && error.code === 'people.login-wanted';
        if (isOver && queryKey[0] !== 'session') void client.invalidateQueries({ queryKey: ['session'] });
      },
    }),
    defaultOptions: {
      queries: { retry: false, staleTime: 10_000, refetchOnWindowFocus: true, networkMode: 'always' },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
