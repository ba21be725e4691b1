/** What was asked for: while it is under way, when it failed, when it is here. Keeps the room that it will take. */
import { Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorView } from './error-view.tsx';

export interface QueryViewProps<T> {
  readonly of: UseQueryResult<T>;
  /** Pixels that it will take at least. */
  readonly height?: number;
  readonly children: (data: T) => ReactNode;
}

export function QueryView<T>({ children, height = 80, of: query }: QueryViewProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ErrorView error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeleton height={height} aria-label="Loading" role="status" />;
}
