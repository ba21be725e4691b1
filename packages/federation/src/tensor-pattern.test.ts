import { expect, it } from 'vitest';
import { matchesAny } from './tensor-pattern.ts';

it.each([
  ['a.norm.0.weight', '*.norm.*', true],
  ['a.norm.0.weight', '*', true],
  ['a.norm', '*.norm.*', false],
  ['a', 'a', true],
  ['ab', 'a', false],
  ['head.1', 'head.*', true],
  ['ahead.1', 'head.*', false],
  ['aba', 'ab*ba', false],
  ['abba', 'ab*ba', true],
  ['a.b.c', 'a*b*c', true],
  ['a.c.b', 'a*b*c', false],
  ['a+b', 'a.b', false],
])('%s and the pattern %s: %s', (name, pattern, matches) => {
  expect(matchesAny(name, ['nothing', pattern])).toBe(matches);
});
