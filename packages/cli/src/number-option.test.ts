import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { realNumber, wholeNumber } from './number-option.ts';

describe('a number on the command line', () => {
  it('is taken within its range', () => {
    expect([wholeNumber(1, 10)('10'), realNumber(0, 1)('0.25')]).toEqual([10, 0.25]);
  });

  it.each(['', ' ', 'ten', '1.5', '0', '11', 'NaN', 'Infinity'])('is refused when it is "%s"', (text) => {
    expect(() => wholeNumber(1, 10)(text)).toThrow(InvalidArgumentError);
  });

  it.each(['', 'x', '-0.1', '1.1', 'NaN'])('with a fraction is refused when it is "%s"', (text) => {
    expect(() => realNumber(0, 1)(text)).toThrow(InvalidArgumentError);
  });
});
