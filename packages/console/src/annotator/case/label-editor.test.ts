/** The label that is drawn on: what is taken, undone, done again, and what the rules of drawing take back. */
import { applyDelta, type LabelDelta, replay } from '@consilium/reading/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelEditor } from './label-editor.ts';

const size = [4, 3, 5] as const;
const count = 60;
const all = { from: 0, to: 3 };
const nothing = { locked: new Set<number>() };
const fresh = () => new LabelEditor(size, { layers: [new Uint8Array(count)], undoable: [], redoable: [] });

describe('a label that is drawn on', () => {
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(3)), { minLength: 1, maxLength: 9 }) },
    fc.constant('undo' as const),
    fc.constant('redo' as const),
  );

  it('is the same for the reading room that replays its edits, whatever is drawn, undone and done again', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 14 }), (acts) => {
        const editor = fresh();
        const strokes: { seq: number; kind: 'draw' | 'undo' | 'redo'; change: LabelDelta }[] = [];
        for (const one of acts) {
          if (Array.isArray(one)) for (const [at, value] of one) editor.layers[0]![at] = value;
          const edit = Array.isArray(one) ? editor.take(0, { slices: all }) : editor[one as 'undo' | 'redo']();
          if (edit !== undefined) strokes.push({ seq: strokes.length + 1, ...edit });
        }
        const history = replay([new Uint8Array(count)], size, strokes);
        expect(history.layers[0]).toEqual(editor.layers[0]);
        expect([history.undoable.length > 0, history.redoable.length > 0]).toEqual([editor.canUndo, editor.canRedo]);
        const reopened = new LabelEditor(size, history);
        expect(reopened.undo()).toEqual(editor.undo());
        for (const number of [0, 1, 2, 3]) {
          expect(editor.count(number)).toBe(editor.layers[0]!.filter((value) => value === number).length);
        }
      }),
    );
  });

  it('takes only the slices that it is told of, and says where in the whole label the change is', () => {
    const editor = fresh();
    editor.layers[0]![15 * 2 + 7] = 1;
    expect(editor.take(0, { slices: { from: 0, to: 1 } })).toBeUndefined();
    const { change } = editor.take(0, { slices: { from: 2, to: 9 } })!;
    expect([change.first, change.last]).toEqual([
      [2, 1, 2],
      [2, 1, 2],
    ]);
    const elsewhere = new Uint8Array(count);
    applyDelta(elsewhere, size, change);
    expect(elsewhere).toEqual(editor.layers[0]);
  });

  it('gives back what may not be drawn: locked structures, values out of range, outside of a structure', () => {
    const editor = fresh();
    const voxels = editor.layers[0]!;
    voxels.fill(2, 0, 4);
    editor.take(0, { slices: all });
    const image = Int16Array.from({ length: count }, (_, at) => at * 10);
    voxels.fill(1, 0, 10);
    editor.take(0, { slices: all, image, rule: { locked: new Set([2]), range: [0, 60] } });
    expect([...voxels.subarray(0, 9)]).toEqual([2, 2, 2, 2, 1, 1, 1, 0, 0]);
    voxels.fill(3, 0, 10);
    editor.take(0, { slices: all, rule: { ...nothing, inside: 2 } });
    expect([...voxels.subarray(0, 9)]).toEqual([3, 3, 3, 3, 1, 1, 1, 0, 0]);
    voxels.fill(0);
    expect(editor.take(0, { slices: all, rule: { locked: new Set([1, 3]) } })).toBeUndefined();
  });
});
