import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartList } from './part-list.ts';

describe('a list of parts', () => {
  it('is what was added, in few pieces', () => {
    const part = fc.oneof(fc.nat(3), fc.integer({ min: 4000, max: 4200 }), fc.nat(70_000));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (lengths) => {
        const list = new PartList();
        const added = lengths.map((length, index) => Buffer.alloc(length, index));
        for (const bytes of added) list.add(bytes);
        const parts = list.take();
        expect(Buffer.concat(parts).equals(Buffer.concat(added))).toBe(true);
        const bytes = lengths.reduce((sum, length) => sum + length, 0);
        expect(parts.length).toBeLessThanOrEqual(2 * Math.ceil(bytes / 4096) + 1);
        expect(list.take()).toEqual([]);
      }),
    );
  });
});
