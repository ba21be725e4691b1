import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

describe('the budget of all associations', () => {
  it('is kept but for what began first, and everyone gets done', async () => {
    const instance = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(instance, { minLength: 1, maxLength: 8 }),
        fc.scheduler(),
        async (instances, scheduler) => {
          const budget = new ByteBudget({ bytesMax: 100 });
          const largest = Math.max(...instances.map((parts) => parts.reduce((sum, bytes) => sum + bytes, 0)));
          let done = 0;
          const receive = async (parts: readonly number[]) => {
            const holder = {};
            for (const bytes of parts) {
              await scheduler.schedule(Promise.resolve());
              await budget.take(holder, bytes);
              expect(budget.totalBytes).toBeLessThanOrEqual(100 + largest);
            }
            await scheduler.schedule(Promise.resolve());
            budget.letGo(holder);
            done++;
          };
          const all = Promise.all(instances.map(receive));
          await scheduler.waitFor(all);
          expect(done).toBe(instances.length);
          expect(budget.totalBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
