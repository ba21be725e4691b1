/**
 * Weights in a store, read in pieces: a model of any size costs the memory of a few chunks. Stretches of the same place
 * in several models are read together and combined, so that a round's aggregation is one pass over all contributions.
 */
import {
  type DType,
  elementCount,
  encodeSafetensorsHeader,
  readSafetensorsLayout,
  SafetensorsError,
  type SafetensorsLayout,
  safetensorsHeaderBytes,
  type TensorEntry,
} from '@consilium/numerics';
import { type BlobId, bytesOfChunk, chunkBytes, type Manifest } from '@consilium/protocol';
import { BlobWriter, manifestOf } from './blob.ts';
import type { FiniteChunks } from './finite-chunks.ts';
import type { BlobStore } from './store.ts';

export type Floats = Float32Array | Float64Array;

export interface TensorShape {
  readonly dtype: DType;
  readonly shape: readonly number[];
}
/** Names, shapes and dtypes, in the order of the file. */
export type WeightsShape = ReadonlyMap<string, TensorShape>;

/** Weights that can be read in pieces. Where they come from (a file, a file in another encoding) is its own affair. */
export interface WeightsReader {
  readonly shape: WeightsShape;
  /** Elements `begin` to `end` of a tensor, flat, row-major, in the tensor's own float type. Not to be written to. */
  read(name: string, begin: number, end: number): Promise<Floats>;
  /** Says what will be read next, so that it can be fetched meanwhile. */
  expect?(name: string, begin: number, end: number): void;
  /** Lets go of what it keeps in memory, and gives it to others: what it gave out is no longer good. It can be read on. */
  forget?(): void;
}

/** What is read at a time: a stretch of float32 or many small tensors. */
const windowBytes = 2 ** 20;
/** As a window begins at a multiple of eight, it may begin a little before what is asked for. */
const windowRoom = windowBytes + Float64Array.BYTES_PER_ELEMENT;

interface Window {
  readonly begin: number;
  readonly end: number;
  readonly memory: Uint8Array;
  readonly bytes: Promise<Uint8Array>;
}

/**
 * A safetensors file in a store. Keeps the two windows it read last, and one that it expects to be asked for: what it gives out
 * is good until it has read two more.
 */
export class WeightsFile implements WeightsReader {
  readonly id: BlobId;
  readonly layout: SafetensorsLayout;
  readonly #store: BlobStore;
  readonly #manifest: Manifest;
  /** The newest first. */
  #windows: Window[] = [];
  #expected: Window | null = null;

  private constructor(store: BlobStore, id: BlobId, manifest: Manifest, layout: SafetensorsLayout) {
    this.#store = store;
    this.id = id;
    this.#manifest = manifest;
    this.layout = layout;
  }

  /** @throws SafetensorsError, or a coded error of the store. */
  static async open(store: BlobStore, id: BlobId): Promise<WeightsFile> {
    const manifest = await manifestOf(store, id);
    const kept = layouts.get(store) ?? new Map<BlobId, SafetensorsLayout>();
    layouts.set(store, kept);
    const layout = kept.get(id) ?? (await readLayout(store, manifest));
    kept.delete(id);
    kept.set(id, layout);
    for (const oldest of kept.keys()) if (kept.size > layoutsKept) kept.delete(oldest);
    return new WeightsFile(store, id, manifest, layout);
  }

  get shape(): WeightsShape {
    return this.layout.entries;
  }

  /** Whether it is known, without reading it, that all its numbers are finite: only of float32. */
  isKnownFinite(chunks: FiniteChunks): boolean {
    const isAligned = ({ begin }: TensorEntry) => begin % Float32Array.BYTES_PER_ELEMENT === 0;
    return (
      [...this.layout.entries.values()].every((entry) => entry.dtype === 'float32' && isAligned(entry)) &&
      this.#manifest.chunks.every((id) => chunks.has(id))
    );
  }

  async read(name: string, begin: number, end: number): Promise<Floats> {
    const entry = this.layout.entries.get(name)!;
    const { buffer, byteOffset } = await this.bytes(entry, begin, end);
    const FloatArray = entry.dtype === 'float64' ? Float64Array : Float32Array;
    return new FloatArray(buffer, byteOffset, end - begin);
  }

  expect(name: string, begin: number, end: number): void {
    const [first, last] = rangeOf(this.layout.entries.get(name)!, begin, end);
    if ([...this.#windows, this.#expected].some((window) => window !== null && covers(window, first, last))) return;
    const window = this.#read(first, last, memoryOf);
    // Whoever reads it hears of it.
    window.bytes.catch(() => {});
    this.#expected = window;
  }

  forget(): void {
    // What is still being read into stays with whoever fills it.
    this.#expected = null;
    for (const { memory } of this.#windows) keep(memory);
    this.#windows = [];
  }

  /** The raw bytes of elements `begin` to `end`, aligned to their size; not to be written to. */
  async bytes(entry: TensorEntry, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const [first, last] = rangeOf(entry, begin, end);
    const size = sizeOf(entry);
    const window = this.#windows.find((each) => covers(each, first, last)) ?? this.#next(first, last);
    const bytes = (await window.bytes).subarray(first - window.begin, last - window.begin) as Uint8Array<ArrayBuffer>;
    return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  }

  /** The one that was expected, or one that is read now. */
  #next(first: number, last: number): Window {
    const [newest, oldest] = this.#windows;
    const expected = this.#expected;
    if (expected !== null && covers(expected, first, last)) {
      this.#expected = null;
      if (oldest !== undefined) keep(oldest.memory);
      this.#windows = newest === undefined ? [expected] : [expected, newest];
      return expected;
    }
    const window = this.#read(first, last, (bytes) =>
      oldest !== undefined && oldest.memory.length >= bytes ? oldest.memory : memoryOf(bytes),
    );
    this.#windows = newest === undefined ? [window] : [window, newest];
    return window;
  }

  /** Into memory that is used over and over: the garbage collector would spend more on it than all else costs. */
  #read(first: number, last: number, memoryFor: (bytes: number) => Uint8Array): Window {
    const begin = first - (first % Float64Array.BYTES_PER_ELEMENT);
    const end = Math.min(this.#manifest.bytes, Math.max(last, begin + windowBytes));
    const memory = memoryFor(end - begin);
    return {
      begin,
      end,
      memory,
      bytes: readBytes(this.#store, this.#manifest, begin, memory.subarray(0, end - begin)),
    };
  }
}

function covers(window: Window, first: number, last: number): boolean {
  return window.begin <= first && last <= window.end;
}

function sizeOf({ begin, end, shape }: TensorEntry): number {
  return (end - begin) / Math.max(1, elementCount(shape));
}

/** Where elements lie in the file, in bytes. */
function rangeOf(entry: TensorEntry, begin: number, end: number): readonly [first: number, last: number] {
  const size = sizeOf(entry);
  return [entry.begin + begin * size, entry.begin + end * size];
}

/** Of the weights opened last: a round opens the same ones again for each site. A blob's name is a hash: it never changes. */
const layouts = new WeakMap<BlobStore, Map<BlobId, SafetensorsLayout>>();
const layoutsKept = 16;

async function readLayout(store: BlobStore, manifest: Manifest): Promise<SafetensorsLayout> {
  const read = (end: number) => readBytes(store, manifest, 0, new Uint8Array(end));
  const headerBytes = safetensorsHeaderBytes(await read(Math.min(8, manifest.bytes)));
  if (headerBytes > manifest.bytes) throw new SafetensorsError('the header is longer than the file');
  return readSafetensorsLayout(await read(headerBytes), manifest.bytes);
}

/** Memory that readers have let go of. */
const spareWindows: Uint8Array[] = [];
const spareWindowsMax = 16;

function keep(memory: Uint8Array): void {
  if (memory.length === windowRoom && spareWindows.length < spareWindowsMax) spareWindows.push(memory);
}

function memoryOf(bytes: number): Uint8Array {
  if (bytes > windowRoom) return new Uint8Array(bytes);
  return spareWindows.pop() ?? new Uint8Array(windowRoom);
}

/** The bytes of a blob from `begin` on: as many as `into` takes. */
export async function readBytes(
  store: BlobStore,
  manifest: Manifest,
  begin: number,
  into: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  for (let filled = 0; filled < into.length; ) {
    const index = Math.floor((begin + filled) / chunkBytes);
    const within = begin + filled - index * chunkBytes;
    const rest = into.subarray(filled, filled + bytesOfChunk(manifest, index) - within);
    const part = await store.getPart(manifest.chunks[index]!, within, rest);
    if (part.buffer !== rest.buffer) rest.set(part);
    filled += part.length;
  }
  return into as Uint8Array<ArrayBuffer>;
}

/** Elements that are combined at a time: 1 MiB of float32 of each contribution. */
const stretchElements = 2 ** 18;

export interface Stretch {
  readonly name: string;
  /** Of the first element, within its tensor. */
  readonly begin: number;
  /** The same stretch of each reader, in the order given. */
  readonly values: readonly Floats[];
}

/** Reads several models of the same shape together, from the first element to the last. */
export async function forEachStretch(
  readers: readonly WeightsReader[],
  visit: (stretch: Stretch) => void | Promise<void>,
): Promise<void> {
  const stretches = stretchesOf(readers[0]!.shape);
  for (let next = stretches.next(); !next.done; ) {
    const { name, begin, end } = next.value;
    const values = await Promise.all(readers.map((reader) => reader.read(name, begin, end)));
    next = stretches.next();
    if (!next.done) for (const reader of readers) reader.expect?.(next.value.name, next.value.begin, next.value.end);
    await visit({ name, begin, values });
  }
}

export interface Extent {
  readonly name: string;
  /** Elements of the tensor. */
  readonly begin: number;
  readonly end: number;
}

/** From an element of a tensor on, to the last of all. */
export function* stretchesOf(shape: WeightsShape, from?: Omit<Extent, 'end'>): Generator<Extent, undefined> {
  let isPast = from === undefined;
  for (const [name, { shape: sizes }] of shape) {
    isPast ||= name === from?.name;
    if (!isPast) continue;
    const count = elementCount(sizes);
    for (let begin = name === from?.name ? from.begin : 0; begin < count; begin += stretchElements) {
      yield { name, begin, end: Math.min(count, begin + stretchElements) };
    }
  }
}

/**
 * Computes new models of the same shape from several, element by element. `combine` fills `outputs`, arrays of zeros of
 * the stretch's length and the tensor's dtype, one for each of the `outputs` models. They are named in the same order.
 */
export async function mapWeights(
  store: BlobStore,
  { readers, outputs }: { readonly readers: readonly WeightsReader[]; readonly outputs: number },
  combine: (stretch: Stretch, outputs: readonly Floats[]) => void,
): Promise<readonly BlobId[]> {
  const { shape } = readers[0]!;
  const writers = Array.from({ length: outputs }, () => new BlobWriter(store));
  const header = encodeSafetensorsHeader(shape);
  for (const writer of writers) await writer.write(header);
  const memory = writers.map(() => new ArrayBuffer(stretchElements * Float64Array.BYTES_PER_ELEMENT));
  await forEachStretch(readers, async (stretch) => {
    const { length } = stretch.values[0]!;
    const FloatArray = shape.get(stretch.name)!.dtype === 'float64' ? Float64Array : Float32Array;
    const results = memory.map((buffer) => new FloatArray(buffer, 0, length).fill(0));
    combine(stretch, results);
    for (const [index, { buffer, byteLength }] of results.entries()) {
      await writers[index]!.write(new Uint8Array(buffer, 0, byteLength));
    }
  });
  return Promise.all(writers.map((writer) => writer.finish()));
}
