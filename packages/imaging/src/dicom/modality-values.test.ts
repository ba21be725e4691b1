import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeModalityValues } from './modality-values.ts';

const airHu = -1024;
const stored = fc.oneof(
  fc.int16Array({ minLength: 1, maxLength: 12 }),
  fc.uint16Array({ minLength: 1, maxLength: 12 }),
  // Values as CT has them, so that the fast way is taken too.
  fc.int16Array({ min: 0, max: 4095, minLength: 1, maxLength: 12 }),
);
const intercept = fc.oneof(fc.constantFrom(0, -1024, -8192), fc.integer({ min: -40_000, max: 40_000 }));

test('the values of a CT are stored value and intercept, at least air, wherever they lie in memory', () => {
  fc.assert(
    fc.property(stored, intercept, fc.nat(1), fc.boolean(), (values, add, shift, inPlace) => {
      const wanted = [...values].map((value) => Math.max(airHu, value + add));
      // What 16 bits cannot hold never comes here.
      fc.pre(wanted.every((hu) => hu <= 32_767));
      const memory = values.slice(0, 0).constructor as Int16ArrayConstructor;
      const from = new memory(new ArrayBuffer(64), 2 * shift, values.length);
      from.set(values);
      const out = inPlace ? new Int16Array(from.buffer, from.byteOffset, from.length) : new Int16Array(values.length);
      const transform = { kind: 'rescale', slope: 1, intercept: add, isStated: true } as const;
      const replaced = writeModalityValues(from, { padding: undefined, modality: 'CT' }, transform, out);
      expect([...out]).toEqual(wanted);
      expect(replaced).toBe([...values].filter((value) => value + add < airHu).length);
    }),
    { numRuns: 1000 },
  );
});

test('a look-up table holds its first and last value outwards (PS3.3 C.11.1.1)', () => {
  const out = new Float32Array(5);
  const table = { kind: 'table', first: 2, values: [10, 20, 30] } as const;
  writeModalityValues(Int16Array.of(-5, 2, 3, 4, 9), { padding: undefined, modality: 'MR' }, table, out);
  expect([...out]).toEqual([10, 10, 20, 30, 30]);
});
