/**
 * What a stroke changed, and nothing else: a box, and for its voxels in order z, y, x runs that keep what is there or set a
 * structure's number. A run is a varint of twice its length, plus one if it sets, then the number. Deltas say what is there
 * afterwards, so that one that comes twice changes nothing.
 */
import type { Triple } from '@consilium/imaging';
import { ReadingError } from '../reading-error.ts';
import { ByteSink, ByteSpring, malformed } from './run-length.ts';

export interface LabelDelta {
  /** Of the label's layers, from 0. */
  readonly layer: number;
  /** `[z, y, x]`, both inside. */
  readonly first: Triple;
  readonly last: Triple;
  readonly runs: Uint8Array;
}

/** What turns `before` into `after`; undefined if they are alike. Both are layers of `size` `[z, y, x]`. */
export function deltaBetween(
  before: Uint8Array,
  after: Uint8Array,
  { size, layer = 0 }: { size: Triple; layer?: number },
): LabelDelta | undefined {
  const box = changedBox(before, after, size);
  if (box === undefined) return undefined;
  const writer = new RunWriter();
  forEachRow(box, size, (start, length) => {
    for (let at = start; at < start + length; at++) writer.add(before[at] === after[at] ? keep : after[at]!);
  });
  return { layer, ...box, runs: writer.taken() };
}

/**
 * Changes a layer in place.
 * @param voxels out, of `size` `[z, y, x]`.
 * @returns what would undo it.
 * @throws ReadingError `reading.delta-outside`, `reading.runs-malformed`; the voxels are untouched then.
 */
export function applyDelta(voxels: Uint8Array, size: Triple, delta: LabelDelta): LabelDelta {
  checkDelta(delta, size);
  const writer = new RunWriter();
  const spring = new ByteSpring(delta.runs);
  let [left, value] = [0, keep];
  forEachRow(delta, size, (start, length) => {
    for (let at = start; at < start + length; at++) {
      if (left === 0) [left, value] = nextRun(spring);
      left--;
      const here = voxels[at]!;
      if (value === keep || value === here) {
        writer.add(keep);
      } else {
        writer.add(here);
        voxels[at] = value;
      }
    }
  });
  return { layer: delta.layer, first: delta.first, last: delta.last, runs: writer.taken() };
}

/** The structures' numbers that a delta sets, 0 for what it erases. @throws as `applyDelta` */
export function checkDelta({ first, last, runs }: LabelDelta, size: Triple): ReadonlySet<number> {
  const fits = [0, 1, 2].every((axis) => {
    const [low, high] = [first[axis]!, last[axis]!];
    return Number.isInteger(low) && Number.isInteger(high) && low >= 0 && low <= high && high < size[axis]!;
  });
  if (!fits) {
    throw new ReadingError(
      'reading.delta-outside',
      'The box of a change does not lie within the voxels of the series.',
    );
  }
  const count = (last[0] - first[0] + 1) * (last[1] - first[1] + 1) * (last[2] - first[2] + 1);
  const spring = new ByteSpring(runs);
  const set = new Set<number>();
  let sum = 0;
  while (!spring.isDone) {
    const [length, value] = nextRun(spring);
    sum += length;
    if (sum > count) throw malformed();
    if (value !== keep) set.add(value);
  }
  if (sum !== count) throw malformed();
  return set;
}

/** How many voxels a delta sets to each structure's number, 0 for those that it erases. @throws ReadingError `reading.runs-malformed` */
export function deltaCounts({ runs }: LabelDelta): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const spring = new ByteSpring(runs); !spring.isDone; ) {
    const [length, value] = nextRun(spring);
    if (value !== keep) counts.set(value, (counts.get(value) ?? 0) + length);
  }
  return counts;
}

/** No structure's number. */
const keep = -1;

function nextRun(spring: ByteSpring): [length: number, value: number] {
  const head = spring.varint();
  const length = Math.floor(head / 2);
  if (length === 0) throw malformed();
  return [length, head % 2 === 1 ? spring.byte() : keep];
}

class RunWriter {
  readonly #sink = new ByteSink();
  #value = keep;
  #length = 0;

  add(value: number): void {
    if (value === this.#value) {
      this.#length++;
      return;
    }
    this.#write();
    this.#value = value;
    this.#length = 1;
  }

  taken(): Uint8Array {
    this.#write();
    this.#length = 0;
    return this.#sink.taken();
  }

  #write(): void {
    if (this.#length === 0) return;
    this.#sink.varint(this.#length * 2 + (this.#value === keep ? 0 : 1));
    if (this.#value !== keep) this.#sink.byte(this.#value);
  }
}

type Box = Pick<LabelDelta, 'first' | 'last'>;

/** The rows of a box in order z, y. */
function forEachRow({ first, last }: Box, size: Triple, visit: (start: number, length: number) => void): void {
  const length = last[2] - first[2] + 1;
  for (let z = first[0]; z <= last[0]; z++) {
    for (let y = first[1]; y <= last[1]; y++) visit((z * size[1] + y) * size[2] + first[2], length);
  }
}

function changedBox(before: Uint8Array, after: Uint8Array, size: Triple): Box | undefined {
  const first: [number, number, number] = [...size];
  const last: [number, number, number] = [-1, -1, -1];
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        if (before[at] === after[at]) continue;
        if (z < first[0]) first[0] = z;
        if (y < first[1]) first[1] = y;
        if (x < first[2]) first[2] = x;
        last[0] = z;
        if (y > last[1]) last[1] = y;
        if (x > last[2]) last[2] = x;
      }
    }
  }
  return last[0] < 0 ? undefined : { first, last };
}
