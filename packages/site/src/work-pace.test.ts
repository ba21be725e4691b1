import type { Clock } from '@consilium/federation';
import { taskProgressSchema } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { WorkPace } from './work-pace.ts';

const ticking = (stepMs: (step: number) => number): Clock => {
  let [nowMs, steps] = [0, 0];
  return {
    nowMs: () => {
      nowMs += stepMs(++steps);
      return nowMs;
    },
    sleep: async () => {},
  };
};
const step = (count: number) => ({ kind: 'step', step: count, of: 50, loss: 0.5 }) as const;

describe('the pace of a worker', () => {
  it('is that of the last steps, once there are two', () => {
    const pace = new WorkPace(
      ticking((count) => (count <= 30 ? 250 : 100)),
      () => 2 ** 20,
    );
    expect(pace.measured(step(1))).toEqual({ ...step(1), residentBytes: 2 ** 20 });
    expect(pace.measured(step(2))).toMatchObject({ stepsPerSecond: 4 });
    for (let count = 3; count <= 50; count++) pace.measured(step(count));
    expect(pace.measured(step(50))).toMatchObject({ stepsPerSecond: 10 });
  });

  it('says nothing that is no message, also where time stands still', () => {
    const pace = new WorkPace(
      ticking(() => 0),
      () => 1,
    );
    for (let count = 1; count < 4; count++) {
      expect(() => taskProgressSchema.parse(pace.measured(step(count)))).not.toThrow();
    }
  });

  it('leaves alone what is said of cases', () => {
    const progress = { kind: 'case', done: 1, of: 2 } as const;
    expect(
      new WorkPace(
        ticking(() => 1),
        () => 1,
      ).measured(progress),
    ).toEqual(progress);
  });
});
