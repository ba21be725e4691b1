/** Facets add to a query and take away, and leave alone what a person wrote. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chosenOf, conditionsOf, hasRange, ranged, toggled, withoutField } from './query-conditions.ts';

const value = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '');
const query = fc.constantFrom(
  '',
  'modality = CT',
  'kvp between 80 and 120 and "renal mass"',
  'not failed = true and (kvp = 100 or kvp = 120)',
  'description like "a and b" and tag = good',
);

describe('a facet', () => {
  it('chooses what it is given, whatever signs are in it, and letting go gives the query back', () => {
    fc.assert(
      fc.property(query, value, (written, text) => {
        const chosen = toggled(written, 'vendor', text);
        expect([...chosenOf(chosen, 'vendor')]).toEqual([text]);
        expect(toggled(chosen, 'vendor', text)).toBe(written);
      }),
    );
  });

  it('chooses several values as one of them, and nothing known instead of any', () => {
    const two = toggled(toggled('modality = CT', 'kernel', 'B30f'), 'kernel', 'Br40d 3');
    expect(two).toBe('modality = CT and kernel in (B30f, "Br40d 3")');
    expect([...chosenOf(two, 'kernel')]).toEqual(['B30f', 'Br40d 3']);
    expect(toggled(two, 'kernel', null)).toBe('modality = CT and kernel is missing');
    expect(toggled(toggled(two, 'kernel', null), 'kernel', 'B30f')).toBe('modality = CT and kernel = B30f');
  });

  it('asks for a range with its end only where nothing lies behind it', () => {
    const range = ranged('modality = CT', 'age', { from: 40, to: 50, isLast: false });
    expect(range).toBe('modality = CT and age >= 40 and age < 50');
    expect(ranged(range, 'age', { from: 80, to: 91.3, isLast: true })).toBe(
      'modality = CT and age >= 80 and age <= 91.3',
    );
    expect(hasRange(range, 'age')).toBe(true);
    expect(withoutField(range, 'age')).toBe('modality = CT');
  });

  it('does not touch a query that is no list of conditions', () => {
    expect(conditionsOf('a = 1 or b = 2')).toBeUndefined();
    expect(withoutField('a = 1 or b = 2', 'a')).toBe('a = 1 or b = 2');
    expect(toggled('a = 1 or b = 2', 'c', 'x')).toBe('(a = 1 or b = 2) and c = x');
    expect(conditionsOf('kvp between 80 and 120 and (a = 1 or b = 2)')).toEqual([
      'kvp between 80 and 120',
      '(a = 1 or b = 2)',
    ]);
  });
});
