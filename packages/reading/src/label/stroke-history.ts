/**
 * A draft is what was there before and the strokes on it, in order. From these everything follows, on the server as in the
 * browser: the label as it is now, and what can be undone and done again, also after the tab was lost.
 */
import type { Triple } from '@consilium/imaging';
import { applyDelta, type LabelDelta } from './label-delta.ts';

export interface Stroke {
  /** From 1, without gaps, in a draft. */
  readonly seq: number;
  /** `draw` can be undone; `undo` and `redo` carry what they change like any other; a `mark` only shows that work goes on. */
  readonly kind: 'draw' | 'undo' | 'redo' | 'mark';
  readonly change: LabelDelta | undefined;
}

export interface StrokeHistory {
  /** Voxels by layer. */
  readonly layers: readonly Uint8Array[];
  /** The last is the next to be undone. A redo is undone again like the stroke it repeats. */
  readonly undoable: readonly { readonly seq: number; readonly inverse: LabelDelta }[];
  readonly redoable: readonly { readonly seq: number; readonly inverse: LabelDelta }[];
}

/**
 * @param layers out: the base's, of `size` `[z, y, x]`; drawn on in place.
 * @throws ReadingError `reading.delta-outside`, `reading.runs-malformed`
 */
export function replay(layers: readonly Uint8Array[], size: Triple, strokes: readonly Stroke[]): StrokeHistory {
  const undoable: { seq: number; inverse: LabelDelta }[] = [];
  const redoable: { seq: number; inverse: LabelDelta }[] = [];
  for (const { change, kind, seq } of strokes) {
    if (change === undefined) continue;
    const inverse = applyDelta(layers[change.layer]!, size, change);
    if (kind === 'undo') {
      undoable.pop();
      redoable.push({ seq, inverse });
      continue;
    }
    if (kind === 'redo') redoable.pop();
    else redoable.length = 0;
    undoable.push({ seq, inverse });
  }
  return { layers, undoable, redoable };
}
