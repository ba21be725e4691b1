import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Timer, TimerHeap } from './timer-heap.ts';

it('takes timers in the order of their times, then of their setting, without those that were cancelled', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ atMs: fc.nat(20), cancelled: fc.boolean() }), { maxLength: 400 }), (plan) => {
      const heap = new TimerHeap();
      const rung: number[] = [];
      const timers: Timer[] = plan.map(({ atMs }, index) => heap.add(atMs, () => rung.push(index)));
      for (const [index, { cancelled }] of plan.entries()) if (cancelled) heap.cancel(timers[index]!);
      for (let next = heap.take(); next !== undefined; next = heap.take()) next.ring();
      const left = plan
        .map(({ atMs, cancelled }, index) => ({ atMs, cancelled, index }))
        .filter((each) => !each.cancelled);
      left.sort((one, other) => one.atMs - other.atMs || one.index - other.index);
      expect(rung).toEqual(left.map(({ index }) => index));
      expect(heap.isEmpty).toBe(true);
    }),
  );
});
