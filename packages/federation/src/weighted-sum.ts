/**
 * A weighted sum of many models, element by element in float64, in the order given: what averages are made of. It is
 * computed while it is read. The models are gone through one after another, a region at a time, so that memory depends
 * neither on their size nor on their number.
 */
import { type Extent, type Floats, stretchesOf, type WeightsReader, type WeightsShape } from './weights.ts';

export interface Term {
  readonly weights: WeightsReader;
  /** Taken from `weights` before they are multiplied; default: nothing is. */
  readonly base?: WeightsReader;
  readonly factor: number;
}

/** Elements that are summed before the next region is begun: 2 MiB of sums, which stay in a processor's cache. */
const regionElements = 2 ** 18;
const addedAtOnce = 3;
/** With more models than this, none keeps what it has read when a region is done. */
const keepingReadersMax = 8;

/** A stretch of one tensor, and where it lies in a region. */
interface Piece extends Extent {
  readonly offset: number;
}

/** Where the sums of a region are, and what comes after it. */
interface Plan {
  readonly pieces: readonly Piece[];
  readonly next: Extent | undefined;
}

interface Region {
  readonly pieces: readonly Piece[];
  readonly sums: Float64Array;
}

export class WeightedSum implements WeightsReader {
  readonly shape: WeightsShape;
  readonly #groups: readonly (readonly [Term, ...Term[]])[];
  readonly #keepsReaders: boolean;
  #region: Region | null = null;
  /** Of the sums, used over and over. */
  #memory = new ArrayBuffer(0);

  /** At least one term, all of the same shape. */
  constructor(terms: readonly Term[]) {
    this.#groups = groupsOf(terms);
    this.#keepsReaders = terms.length <= keepingReadersMax;
    this.shape = terms[0]!.weights.shape;
  }

  /** float64, whatever the dtype of the tensor. Good until it is read on. */
  async read(name: string, begin: number, end: number): Promise<Float64Array> {
    const isWithin = (piece: Piece) => piece.name === name && piece.begin <= begin && end <= piece.end;
    let region = this.#region;
    let piece = region?.pieces.find(isWithin);
    if (region === null || piece === undefined) {
      region = await this.#sum(this.#planFrom({ name, begin, end }));
      piece = region.pieces[0]!;
      this.#region = region;
    }
    const from = piece.offset - piece.begin;
    return region.sums.subarray(from + begin, from + end);
  }

  async #sum({ pieces, next }: Plan): Promise<Region> {
    const { offset, begin, end } = pieces.at(-1)!;
    const sums = elements(this.#memory, offset + end - begin).fill(0);
    this.#memory = sums.buffer;
    let less = { of: undefined as WeightsReader | undefined, values: new Float64Array(0) as Float64Array };
    for (const terms of this.#groups) {
      const [{ base }] = terms;
      const factors = terms.map(({ factor }) => factor);
      if (base !== undefined && base !== less.of) less = { of: base, values: await readAll(base, pieces) };
      for (const { name, begin, end, offset } of pieces) {
        const values = await Promise.all(terms.map(({ weights }) => weights.read(name, begin, end)));
        const into = sums.subarray(offset, offset + end - begin);
        if (base === undefined) addScaled(into, values, factors);
        else addScaledDifference(into, values[0]!, { less: less.values.subarray(offset), factor: factors[0]! });
      }
      for (const { weights } of terms) {
        if (!this.#keepsReaders) weights.forget?.();
        else if (next !== undefined) weights.expect?.(next.name, next.begin, next.end);
      }
    }
    return { pieces, sums };
  }

  /** The stretch that is asked for and those that will be asked for next, until the region is full. */
  #planFrom({ name, begin, end }: Extent): Plan {
    const pieces: Piece[] = [{ name, begin, end, offset: 0 }];
    let offset = end - begin;
    for (const next of stretchesOf(this.shape, { name, begin: end })) {
      const piece = { ...next, offset };
      offset += next.end - next.begin;
      if (offset > regionElements) return { pieces, next };
      pieces.push(piece);
    }
    return { pieces, next: undefined };
  }
}

async function readAll(weights: WeightsReader, pieces: readonly Piece[]): Promise<Float64Array> {
  const { offset, begin, end } = pieces.at(-1)!;
  const all = new Float64Array(offset + end - begin);
  for (const piece of pieces) all.set(await weights.read(piece.name, piece.begin, piece.end), piece.offset);
  return all;
}

function elements(memory: ArrayBuffer, count: number): Float64Array<ArrayBuffer> {
  const bytes = count * Float64Array.BYTES_PER_ELEMENT;
  return new Float64Array(memory.byteLength < bytes ? new ArrayBuffer(bytes) : memory, 0, count);
}

/** Those that are added at once: each with a base is alone. */
function groupsOf(terms: readonly Term[]): readonly (readonly [Term, ...Term[]])[] {
  const groups: [Term, ...Term[]][] = [];
  for (const term of terms) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < addedAtOnce && last[0].base === undefined && term.base === undefined) {
      last.push(term);
    } else groups.push([term]);
  }
  return groups;
}

/**
 * In the order given, as if one after another: to fetch and to keep a sum takes longer than to add to it. Too large for V8 to put
 * it into what calls it, where the loop would take twice as long: docs/decisions/0008-cost-of-a-round.md.
 */
function addScaled(sums: Float64Array, values: readonly Floats[], factors: readonly number[]): void {
  const [a, b, c] = values;
  const [ofA = 0, ofB = 0, ofC = 0] = factors;
  if (a instanceof Float32Array && b instanceof Float32Array && c instanceof Float32Array) {
    for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! + ofA * a[at]! + ofB * b[at]! + ofC * c[at]!;
    return;
  }
  for (const [index, each] of values.entries()) {
    const factor = factors[index]!;
    if (each instanceof Float32Array) {
      for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! + factor * each[at]!;
    } else {
      for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! + factor * each[at]!;
    }
  }
}

function addScaledDifference(
  sums: Float64Array,
  values: Floats,
  { less, factor }: { readonly less: Float64Array; readonly factor: number },
): void {
  if (values instanceof Float32Array) {
    for (let at = 0; at < values.length; at++) sums[at] = sums[at]! + factor * (values[at]! - less[at]!);
  } else {
    for (let at = 0; at < values.length; at++) sums[at] = sums[at]! + factor * (values[at]! - less[at]!);
  }
}
