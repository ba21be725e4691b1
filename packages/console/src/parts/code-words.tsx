/** What a code means, in the words of `docs/errors/`; loaded when the first is shown. */
import { Text, type TextProps } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { createElement, Fragment } from 'react';

function useCodeWords(): (code: string) => string | undefined {
  const { data } = useQuery({
    queryKey: ['code-words'],
    queryFn: async () => (await import('virtual:error-pages')).errorPages,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (code) => data?.[code];
}

/** @param otherwise where the code has no page. */
export function CodeWords({ code, otherwise = '', ...props }: TextProps & { code: string; otherwise?: string }) {
  const wordsOf = useCodeWords();
  const words = wordsOf(code) ?? otherwise;
  const parts = words.split('`').map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part));
  return (
    <Text size="sm" {...props}>
      {createElement(Fragment, {}, ...parts)}
    </Text>
  );
}
