/**
 * The label that is being drawn. Tools write into its voxels as they like; when one is done, what it changed is taken as one
 * edit, less what the rules of drawing forbid. The edits are the truth: what is shown, undone, done again and sent follows
 * from them, here as on the server.
 */
import { applyDelta, deltaBetween, deltaCounts, type LabelDelta, type StrokeHistory } from '@consilium/reading/api';

type Triple = readonly [number, number, number];

/** Slices, both inside. */
export interface SliceRange {
  readonly from: number;
  readonly to: number;
}

/** Where a tool may draw. */
export interface DrawingRule {
  /** Values of the image, both inside. */
  readonly range?: readonly [number, number];
  /** Only where this structure is already. */
  readonly inside?: number;
  /** Numbers of structures that stay as they are. */
  readonly locked: ReadonlySet<number>;
}

export interface Edit {
  readonly kind: 'draw' | 'undo' | 'redo';
  readonly change: LabelDelta;
}

export class LabelEditor {
  /** `[z, y, x]` voxels along each axis. */
  readonly size: Triple;
  /** Voxels by layer, numbers of structures; tools write into them. */
  readonly layers: readonly Uint8Array[];
  /** As they were after the last edit. */
  readonly #kept: readonly Uint8Array[];
  readonly #undoable: LabelDelta[];
  readonly #redoable: LabelDelta[];
  /** Voxels of each structure, by number. */
  readonly #counts = new Float64Array(256);

  constructor(size: Triple, { layers, redoable, undoable }: StrokeHistory) {
    this.size = size;
    this.layers = layers;
    this.#kept = layers.map((voxels) => voxels.slice());
    this.#undoable = undoable.map(({ inverse }) => inverse);
    this.#redoable = redoable.map(({ inverse }) => inverse);
    for (const voxels of layers) for (let at = 0; at < voxels.length; at++) this.#counts[voxels[at]!]!++;
  }

  get canUndo(): boolean {
    return this.#undoable.length > 0;
  }

  get canRedo(): boolean {
    return this.#redoable.length > 0;
  }

  /**
   * Takes what was drawn in a layer since the last edit.
   * @param slices in which that was; others are not looked at.
   * @param image values of the series, `[z, y, x]`; for a rule with a range.
   * @returns undefined if nothing changed. What the rule forbids is as before.
   */
  take(
    layer: number,
    { image, rule, slices }: { slices: SliceRange; rule?: DrawingRule | undefined; image?: ArrayLike<number> },
  ): Edit | undefined {
    const [depth, rows, columns] = this.size;
    const sliceVoxels = rows * columns;
    const from = Math.max(0, slices.from);
    const to = Math.min(depth - 1, slices.to);
    if (from > to) return undefined;
    const [start, end] = [from * sliceVoxels, (to + 1) * sliceVoxels];
    const [kept, drawn] = [this.#kept[layer]!, this.layers[layer]!];
    if (rule !== undefined) restrict(drawn, kept, { start, end, rule, image });
    const size: Triple = [to - from + 1, rows, columns];
    const part = deltaBetween(kept.subarray(start, end), drawn.subarray(start, end), { size, layer });
    if (part === undefined) return undefined;
    const moved = ([z, y, x]: Triple): Triple => [z + from, y, x];
    const change: LabelDelta = { layer, first: moved(part.first), last: moved(part.last), runs: part.runs };
    const inverse = applyDelta(kept, this.size, change);
    this.#tally(change, inverse);
    this.#undoable.push(inverse);
    this.#redoable.length = 0;
    return { kind: 'draw', change };
  }

  /** Undefined if there is nothing to undo. */
  undo(): Edit | undefined {
    const change = this.#undoable.pop();
    if (change === undefined) return undefined;
    this.#redoable.push(this.#apply(change));
    return { kind: 'undo', change };
  }

  redo(): Edit | undefined {
    const change = this.#redoable.pop();
    if (change === undefined) return undefined;
    this.#undoable.push(this.#apply(change));
    return { kind: 'redo', change };
  }

  /** Voxels of a structure. */
  count(structure: number): number {
    return this.#counts[structure]!;
  }

  #apply(change: LabelDelta): LabelDelta {
    applyDelta(this.#kept[change.layer]!, this.size, change);
    const inverse = applyDelta(this.layers[change.layer]!, this.size, change);
    this.#tally(change, inverse);
    return inverse;
  }

  #tally(change: LabelDelta, inverse: LabelDelta): void {
    for (const [number, count] of deltaCounts(change)) this.#counts[number]! += count;
    for (const [number, count] of deltaCounts(inverse)) this.#counts[number]! -= count;
  }
}

interface Restriction {
  readonly start: number;
  readonly end: number;
  readonly rule: DrawingRule;
  readonly image: ArrayLike<number> | undefined;
}

/** @param drawn out */
function restrict(drawn: Uint8Array, kept: Uint8Array, { end, image, rule, start }: Restriction): void {
  const { inside, locked, range } = rule;
  if (inside === undefined && range === undefined && locked.size === 0) return;
  for (let at = start; at < end; at++) {
    const before = kept[at]!;
    if (drawn[at] === before) continue;
    const value = image?.[at] ?? 0;
    const isOutside = range !== undefined && (value < range[0] || value > range[1]);
    const isElsewhere = inside !== undefined && before !== inside;
    if (isOutside || isElsewhere || locked.has(before)) drawn[at] = before;
  }
}
