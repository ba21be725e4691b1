import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import recorded from './recorded/optimisers.json' with { type: 'json' };
import { learningRateAt, type Schedule } from './schedule.ts';

const schedules = recorded.schedules as unknown as readonly { schedule: Schedule; rates: readonly number[] }[];

describe('a schedule', () => {
  it.each(schedules.map((each) => [JSON.stringify(each.schedule), each] as const))(
    'gives the rates of PyTorch: %s',
    (_, { schedule, rates }) => {
      rates.forEach((rate, step) => {
        expect(Math.abs(learningRateAt(schedule, step) - rate), `step ${step}`).toBeLessThan(1e-12);
      });
    },
  );

  it('rises to its base, falls to its end and stays there', () => {
    const anySchedule = fc.record({
      kind: fc.constantFrom('polynomial' as const, 'cosine' as const),
      base: fc.double({ min: 1e-3, max: 1, noNaN: true }),
      final: fc.double({ min: 0, max: 1e-3, noNaN: true }),
      warmUpSteps: fc.integer({ min: 0, max: 20 }),
      totalSteps: fc.integer({ min: 21, max: 60 }),
    });
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        const rates = Array.from({ length: 70 }, (_, step) => learningRateAt(schedule, step));
        const { warmUpSteps, totalSteps, base, final } = schedule;
        rates.slice(1, warmUpSteps + 1).forEach((rate, step) => {
          expect(rate).toBeGreaterThan(rates[step]!);
        });
        expect(rates[warmUpSteps]).toBeCloseTo(base, 12);
        rates.slice(warmUpSteps + 1).forEach((rate, step) => {
          expect(rate).toBeLessThanOrEqual(rates[warmUpSteps + step]!);
        });
        for (const rate of rates.slice(totalSteps)) expect(rate).toBeCloseTo(final, 12);
      }),
    );
  });
});
