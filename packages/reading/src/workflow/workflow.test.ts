/** The table of the workflow, and the rule by which time counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeTimeOf, type Mark } from './active-time.ts';
import { TaskState, transitionOf, transitions } from './task-state.ts';

describe('the workflow', () => {
  const actions = [...new Set(transitions.map(({ action }) => action))];

  it('approves nothing that was not in review, whatever is done in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...actions), { maxLength: 40 }), (asked) => {
        let state: TaskState = TaskState.proposed;
        let before: TaskState = state;
        for (const action of asked) {
          const step = transitionOf(state, action);
          if (step === undefined) continue;
          [before, state] = [state, step.to];
          if (state === TaskState.approved) expect([before, step.by]).toEqual([TaskState.inReview, ['reviewer']]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('has one step for each state and action, reaches every state, and leaves none but the last', () => {
    const keys = transitions.map(({ action, from }) => `${from} ${action}`);
    expect(new Set(keys).size).toBe(keys.length);
    const reached = new Set<TaskState>([TaskState.proposed]);
    for (let grew = true; grew; ) {
      const size = reached.size;
      for (const { from, to } of transitions) if (reached.has(from)) reached.add(to);
      grew = reached.size > size;
    }
    expect([...reached].sort()).toEqual(Object.values(TaskState).sort());
    const left = new Set(transitions.map(({ from }) => from));
    expect(Object.values(TaskState).filter((state) => !left.has(state))).toEqual([TaskState.locked]);
  });
});

describe('active time', () => {
  const mark = (atMs: number, more: Partial<Mark> = {}): Mark => ({
    ...{ leaseId: 'a', atMs, structure: undefined, phase: 'manual' },
    ...more,
  });
  it('counts gaps up to the limit wholly, longer ones not at all, and nothing between two sittings', () => {
    const marks = [
      ...[mark(0), mark(10_000, { structure: 1 }), mark(70_000, { structure: 2, phase: 'assisted' }), mark(140_000)],
      ...[mark(141_000, { leaseId: 'b' }), mark(140_500, { leaseId: 'b' }), mark(142_000, { leaseId: 'b' })],
    ];
    expect(activeTimeOf(marks, 60_000)).toEqual({
      activeMs: 10_000 + 60_000 + 0 + 1500,
      idleMs: 70_000,
      byStructureMs: { 0: 1500, 1: 10_000, 2: 60_000 },
      byPhaseMs: { manual: 11_500, assisted: 60_000 },
    });
  });

  it('is shared out without rest, and never more than went by', () => {
    const marks = fc.array(fc.record({ atMs: fc.nat(1e6), structure: fc.option(fc.nat(3), { nil: undefined }) }));
    fc.assert(
      fc.property(marks, fc.nat(1e5), (some, limitMs) => {
        const sorted = some.map((one) => mark(one.atMs, one)).sort((a, b) => a.atMs - b.atMs);
        const time = activeTimeOf(sorted, limitMs);
        const sum = (shares: Readonly<Record<string, number>>) => Object.values(shares).reduce((a, b) => a + b, 0);
        expect(sum(time.byStructureMs)).toBe(time.activeMs);
        expect(sum(time.byPhaseMs)).toBe(time.activeMs);
        expect(time.activeMs + time.idleMs).toBe((sorted.at(-1)?.atMs ?? 0) - (sorted[0]?.atMs ?? 0));
      }),
    );
  });
});
