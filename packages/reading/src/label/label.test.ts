/** Labels as bytes: runs, changes, merges, what was edited. */
import type { Triple } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta, checkDelta, deltaBetween, deltaCounts } from './label-delta.ts';
import { editsBetween, fateOf } from './label-edits.ts';
import { mergeLabels } from './label-merge.ts';
import { decodeRuns, encodeRuns } from './run-length.ts';
import { replay, type Stroke } from './stroke-history.ts';

const size: Triple = [3, 4, 5];
const layer = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: 60, maxLength: 60 })
  .map((all) => Uint8Array.from(all));

describe('runs', () => {
  it('give back every label, and are the same for the same voxels', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (voxels) => {
        expect(decodeRuns(encodeRuns(voxels), voxels.length)).toEqual(voxels);
      }),
    );
    expect(encodeRuns(new Uint8Array(79_000_000)).length).toBeLessThan(6);
  });

  it('are refused when cut off anywhere, or when they are for another number of voxels', () => {
    const bytes = encodeRuns(Uint8Array.from({ length: 600 }, (_, at) => (at < 300 ? 7 : at % 3)));
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodeRuns(bytes.subarray(0, end), 600)).toThrow(
        expect.objectContaining({ code: 'reading.runs-malformed' }),
      );
    }
    expect(() => decodeRuns(bytes, 601)).toThrow();
    expect(() => decodeRuns(bytes, 599)).toThrow();
  });
});

describe('a change', () => {
  it('turns one label into the other, twice as well as once, and its inverse turns it back', () => {
    fc.assert(
      fc.property(layer, layer, (before, after) => {
        const delta = deltaBetween(before, after, { size });
        const voxels = before.slice();
        if (delta === undefined) {
          expect(before).toEqual(after);
          return;
        }
        const inverse = applyDelta(voxels, size, delta);
        expect(voxels).toEqual(after);
        for (const number of [0, 1, 2, 3]) {
          const count = (all: Uint8Array) => all.filter((value) => value === number).length;
          const gained = (deltaCounts(delta).get(number) ?? 0) - (deltaCounts(inverse).get(number) ?? 0);
          expect(gained).toBe(count(after) - count(before));
        }
        applyDelta(voxels, size, delta);
        expect(voxels).toEqual(after);
        applyDelta(voxels, size, inverse);
        expect(voxels).toEqual(before);
      }),
    );
  });

  it('outside the voxels, or cut off, is refused and changes nothing', () => {
    const before = new Uint8Array(60);
    const delta = deltaBetween(before, before.with(7, 2).with(31, 1), { size })!;
    expect([...checkDelta(delta, size)].sort()).toEqual([1, 2]);
    const voxels = before.slice();
    for (let end = 0; end < delta.runs.length; end++) {
      expect(() => applyDelta(voxels, size, { ...delta, runs: delta.runs.subarray(0, end) })).toThrow(
        expect.objectContaining({ code: 'reading.runs-malformed' }),
      );
    }
    for (const last of [
      [3, 3, 4],
      [2, 4, 4],
      [2, 3, 1.5],
      [-1, 0, 0],
    ] as const) {
      expect(() => applyDelta(voxels, size, { ...delta, last })).toThrow(
        expect.objectContaining({ code: 'reading.delta-outside' }),
      );
    }
    expect(voxels).toEqual(before);
  });
});

describe('two labels drawn on one parent', () => {
  const parent = [new Uint8Array(60)];
  it('become one where they drew different structures', () => {
    const merge = mergeLabels({ parent, ours: [parent[0]!.with(1, 1)], theirs: [parent[0]!.with(2, 2)] });
    expect(merge).toEqual({ kind: 'merged', layers: [parent[0]!.with(1, 1).with(2, 2)] });
  });

  it('are for a person where they drew the same structure, or the same voxel', () => {
    const ours = [parent[0]!.with(1, 1)];
    expect(mergeLabels({ parent, ours, theirs: [parent[0]!.with(2, 1)] })).toMatchObject({
      ...{ kind: 'conflict', structures: [1], voxels: 0 },
    });
    expect(mergeLabels({ parent, ours, theirs: [parent[0]!.with(1, 2)] })).toMatchObject({ voxels: 1 });
    expect(mergeLabels({ parent, ours, theirs: ours })).toEqual({ kind: 'merged', layers: ours });
  });

  it('lose nothing by being merged, whichever is first', () => {
    fc.assert(
      fc.property(layer, layer, layer, (base, a, b) => {
        const one = mergeLabels({ parent: [base], ours: [a], theirs: [b] });
        const other = mergeLabels({ parent: [base], ours: [b], theirs: [a] });
        expect(one).toEqual(other);
        if (one.kind === 'conflict') return;
        for (let at = 0; at < 60; at++) {
          if (a[at] !== base[at]) expect(one.layers[0]![at]).toBe(a[at]);
          if (b[at] !== base[at]) expect(one.layers[0]![at]).toBe(b[at]);
        }
      }),
    );
  });
});

it('what was edited is counted by structure, and says what became of a proposal', () => {
  const proposal = new Uint8Array(60).fill(1, 0, 10).fill(2, 20, 30);
  const drawn = new Uint8Array(60).fill(1, 0, 10).fill(2, 28, 40).fill(3, 50, 51);
  const edits = editsBetween([proposal], [drawn]);
  expect(edits).toEqual({
    1: { before: 10, after: 10, both: 10, added: 0, removed: 0 },
    2: { before: 10, after: 12, both: 2, added: 10, removed: 8 },
    3: { before: 0, after: 1, both: 0, added: 1, removed: 0 },
  });
  expect(Object.values(edits).map(fateOf)).toEqual(['accepted', 'redrawn', 'absent']);
  expect(fateOf({ before: 10, after: 10, both: 9, added: 1, removed: 1 })).toBe('edited');
});

describe('strokes on a draft', () => {
  const act = fc.oneof({ weight: 3, arbitrary: layer }, fc.constant('undo' as const), fc.constant('redo' as const));

  it('give, replayed, the label as it was left, with all that can be undone and done again', () => {
    fc.assert(
      fc.property(layer, fc.array(act, { maxLength: 12 }), (base, acts) => {
        // An editor that keeps every label it has shown.
        const [past, future]: [Uint8Array[], Uint8Array[]] = [[], []];
        let now: Uint8Array = base;
        const strokes: Stroke[] = [];
        for (const one of acts) {
          const kind = typeof one === 'string' ? one : 'draw';
          const next = kind === 'undo' ? past.at(-1) : kind === 'redo' ? future.at(-1) : (one as Uint8Array);
          const change = next && deltaBetween(now, next, { size });
          if (next === undefined || change === undefined) continue;
          if (kind === 'undo') future.push(now);
          else past.push(now);
          if (kind === 'undo') past.pop();
          if (kind === 'redo') future.pop();
          if (kind === 'draw') future.length = 0;
          now = next;
          strokes.push({ seq: strokes.length + 1, kind, change });
        }
        const { layers, redoable, undoable } = replay([base.slice()], size, strokes);
        expect(layers[0]).toEqual(now);
        expect([undoable.length, redoable.length]).toEqual([past.length, future.length]);
        for (const { inverse } of redoable.toReversed()) {
          applyDelta(layers[0]!, size, inverse);
          expect(layers[0]).toEqual(future.pop());
        }
        expect(replay([base.slice()], size, strokes).undoable).toEqual(undoable);
        const back = replay([base.slice()], size, strokes).layers[0]!;
        for (const { inverse } of undoable.toReversed()) {
          applyDelta(back, size, inverse);
          expect(back).toEqual(past.pop());
        }
        expect(past).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
