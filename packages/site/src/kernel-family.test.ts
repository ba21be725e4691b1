import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernelFamilyOf } from './kernel-family.ts';

it.each([
  ['B20f', 'soft'],
  ['B30f', 'standard'],
  ['B41s', 'standard'],
  ['B70f', 'sharp'],
  ['Br40d3', 'standard'],
  ['Br40d\\3', 'standard'],
  ['I26f', 'soft'],
  ['SOFT', 'soft'],
  ['STANDARD (simulated)', 'standard'],
  ['STND', 'standard'],
  ['BONEPLUS', 'sharp'],
  ['LUNG', 'sharp'],
  ['A', 'soft'],
  ['B (simulated)', 'standard'],
  ['YC', 'sharp'],
  ['FC08', 'standard'],
  ['FC52', 'sharp'],
  ['B_SOFT_A', 'soft'],
  ['Qmed-0815', 'unknown'],
  ['DOE^JANE', 'unknown'],
  [' ', undefined],
  [undefined, undefined],
])('takes the kernel %j for %s', (name, family) => {
  expect(kernelFamilyOf(name)).toBe(family);
});

it('says one of four words, whatever a header holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(['soft', 'standard', 'sharp', 'unknown', undefined]).toContain(kernelFamilyOf(name));
    }),
  );
});
