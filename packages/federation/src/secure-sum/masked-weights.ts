/**
 * What a site sends in secure aggregation: its number of cases and all numbers of its weights, on the lattice, with masks
 * added. Written and summed stretch by stretch: memory does not depend on the size of the model.
 */
import { elementCount, encodeSafetensorsHeader } from '@consilium/numerics';
import type { BlobId, Manifest } from '@consilium/protocol';
import { BlobWriter, manifestOf } from '../blob.ts';
import type { BlobStore } from '../store.ts';
import { matchesAny } from '../tensor-pattern.ts';
import { forEachStretch, readBytes, type WeightsReader, type WeightsShape } from '../weights.ts';
import { Keystream } from './keystream.ts';
import { addWords, type Lattice, putWhole, quantise, subtractWords, wholeAt } from './lattice.ts';
import type { Mask } from './mask.ts';

/** What of the weights is summed: all but what stays at the sites. */
function sharedShape(shape: WeightsShape, keepLocal: readonly string[]): WeightsShape {
  return new Map([...shape].filter(([name]) => !matchesAny(name, keepLocal)));
}

/** Bytes of every masked contribution. */
export function maskedBytes(shape: WeightsShape, keepLocal: readonly string[], { words }: Lattice): number {
  const counts = [...sharedShape(shape, keepLocal).values()].map((tensor) => elementCount(tensor.shape));
  return 4 * words * counts.reduce((sum, count) => sum + count, 1);
}

export interface WeightsToMask {
  readonly trained: WeightsReader;
  /** What the site was sent. */
  readonly base: WeightsReader;
  readonly keepLocal: readonly string[];
  readonly cases: number;
  readonly lattice: Lattice;
  /** For stochastic rounding; null to round to nearest. */
  readonly rounding: Uint8Array | null;
  readonly masks: readonly Mask[];
}

/** null if the weights hold numbers that are not finite. */
export async function writeMasked(store: BlobStore, input: WeightsToMask): Promise<BlobId | null> {
  const { trained, base, keepLocal, cases, lattice, rounding } = input;
  const { words } = lattice;
  const masks = new Masks(input.masks, words);
  const chance = rounding === null ? null : new Keystream(rounding);
  const writer = new BlobWriter(store);
  const write = (numbers: Uint32Array<ArrayBuffer>) => {
    masks.addTo(numbers);
    return writer.write(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  };
  const first = new Uint32Array(words);
  putWhole(first, 0, words, cases);
  await write(first);
  const shared = { shape: sharedShape(base.shape, keepLocal), read: base.read.bind(base) };
  let memory = new Uint32Array(0);
  let allFinite = true;
  await forEachStretch([shared, trained], async ({ values: [sent, values] }) => {
    const { length } = sent!;
    if (memory.length < words * length) memory = new Uint32Array(words * length);
    const numbers = memory.subarray(0, words * length);
    const options = { lattice, cases, chance: chance?.next(length) ?? null };
    allFinite = quantise(values!, sent!, numbers, options) && allFinite;
    await write(numbers);
  });
  return allFinite ? writer.finish() : null;
}

export interface MaskedSum {
  readonly inputs: readonly BlobId[];
  readonly base: WeightsReader;
  readonly keepLocal: readonly string[];
  readonly lattice: Lattice;
  /** What is added to the sum so that no mask is left in it. */
  readonly unmasking: readonly Mask[];
}

/** The weights that are the sites' mean, weighted by cases, of the base's shape and types; and how many cases that are. */
export async function unmaskedMean(
  store: BlobStore,
  { inputs, base, keepLocal, lattice: { words, unit }, unmasking }: MaskedSum,
): Promise<{ readonly weights: BlobId; readonly cases: number }> {
  const masks = new Masks(unmasking, words);
  const readers = await Promise.all(inputs.map(async (id) => new Sequence(store, await manifestOf(store, id))));
  let memory = new Uint32Array(0);
  const next = async (count: number): Promise<Uint32Array> => {
    if (memory.length < words * count) memory = new Uint32Array(words * count);
    const sum = memory.subarray(0, words * count).fill(0);
    for (const reader of readers) addWords(sum, await reader.next(words * count), words);
    masks.addTo(sum);
    return sum;
  };
  const cases = wholeAt(await next(1), 0, words);
  const writer = new BlobWriter(store);
  await writer.write(encodeSafetensorsHeader(base.shape));
  await forEachStretch([base], async ({ name, values: [sent] }) => {
    const mean = sent!.slice();
    if (!matchesAny(name, keepLocal)) {
      const sum = await next(mean.length);
      for (let at = 0; at < mean.length; at++) {
        mean[at] = mean[at]! + (wholeAt(sum, words * at, words) * unit) / cases;
      }
    }
    await writer.write(new Uint8Array(mean.buffer, mean.byteOffset, mean.byteLength));
  });
  return { weights: await writer.finish(), cases };
}

/** Several masks, each read from its first word to its last. */
class Masks {
  readonly #streams: readonly { readonly stream: Keystream; readonly sign: 1 | -1 }[];
  readonly #words: 1 | 2;

  constructor(masks: readonly Mask[], words: 1 | 2) {
    this.#streams = masks.map(({ key, sign }) => ({ stream: new Keystream(key), sign }));
    this.#words = words;
  }

  addTo(numbers: Uint32Array): void {
    for (const { stream, sign } of this.#streams) {
      (sign === 1 ? addWords : subtractWords)(numbers, stream.next(numbers.length), this.#words);
    }
  }
}

/** The words of a blob, from the first to the last. */
class Sequence {
  readonly #store: BlobStore;
  readonly #manifest: Manifest;
  #position = 0;
  #memory = new Uint8Array(0);

  constructor(store: BlobStore, manifest: Manifest) {
    this.#store = store;
    this.#manifest = manifest;
  }

  /** Good until the next. */
  async next(words: number): Promise<Uint32Array> {
    const bytes = 4 * words;
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes);
    const into = this.#memory.subarray(0, bytes);
    await readBytes(this.#store, this.#manifest, this.#position, into);
    this.#position += bytes;
    return new Uint32Array(into.buffer, 0, words);
  }
}
