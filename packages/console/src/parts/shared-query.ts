/** The query of the pages that search: in the address, so that it can be kept, sent, and taken from page to page. */
import { useCallback } from 'react';
import { useLocation, useSearch } from 'wouter';

/** @returns the query and what changes it; the place in the history stays. */
export function useSharedQuery(): readonly [string, (query: string) => void] {
  const [location, navigate] = useLocation();
  const parameters = new URLSearchParams(useSearch());
  const change = useCallback(
    (query: string) =>
      navigate(`${location}?${query === '' ? '' : new URLSearchParams({ q: query })}`, { replace: true }),
    [location, navigate],
  );
  return [parameters.get('q') ?? '', change];
}
