/**
 * A contribution's weights as if they had come plainly: whatever encoding they travelled in is undone while they are
 * read, and tensors that the site kept or left out are those of the weights that it was sent.
 */
import { type DType, elementCount, fromBfloat16, fromFloat16, type TensorEntry } from '@consilium/numerics';
import { blockElements, type Encoding, scalesOf, type TrainContribution } from '@consilium/protocol';
import type { FiniteChunks } from './finite-chunks.ts';
import { type Mismatch, shapeMismatch } from './shape-mismatch.ts';
import type { BlobStore } from './store.ts';
import { matchesAny } from './tensor-pattern.ts';
import { type Floats, type TensorShape, WeightsFile, type WeightsReader, type WeightsShape } from './weights.ts';

export class ContributedWeights implements WeightsReader {
  /** What does not fit the weights that were sent; null if nothing. Must be null before anything is read. */
  readonly mismatch: Mismatch | null;
  readonly #file: WeightsFile;
  /** int8: the same file once more, since scales lie far from what they scale. */
  readonly #scales: WeightsFile;
  readonly #base: WeightsReader;
  readonly #encoding: Encoding;

  private constructor(parts: {
    readonly file: WeightsFile;
    readonly scales: WeightsFile;
    readonly base: WeightsReader;
    readonly encoding: Encoding;
    readonly keepLocal: readonly string[];
  }) {
    this.#file = parts.file;
    this.#scales = parts.scales;
    this.#base = parts.base;
    this.#encoding = parts.encoding;
    this.mismatch = mismatchOf(parts.file.shape, parts.base.shape, parts);
  }

  /**
   * `keepLocal`: which tensors it may lack; any, for one that was admitted before.
   * @throws SafetensorsError, or a coded error of the store.
   */
  static async open(
    store: BlobStore,
    { weights, encoding }: Pick<TrainContribution, 'weights' | 'encoding'>,
    base: WeightsReader,
    keepLocal: readonly string[] = ['*'],
  ): Promise<ContributedWeights> {
    const file = await WeightsFile.open(store, weights);
    const scales = encoding.numbers === 'int8' ? await WeightsFile.open(store, weights) : file;
    return new ContributedWeights({ file, scales, base, encoding, keepLocal });
  }

  get shape(): WeightsShape {
    return this.#base.shape;
  }

  /** Whether it is known, without reading them, that all numbers are finite: only of what came plainly and whole. */
  isKnownFinite(chunks: FiniteChunks): boolean {
    const isPlain = this.#encoding.numbers === 'float32' && this.#file.shape.size === this.shape.size;
    return isPlain && this.#file.isKnownFinite(chunks);
  }

  async read(name: string, begin: number, end: number): Promise<Floats> {
    const entry = this.#file.layout.entries.get(name);
    if (entry === undefined) return this.#base.read(name, begin, end);
    switch (this.#encoding.numbers) {
      case 'float32':
        return this.#file.read(name, begin, end);
      case 'float16':
        return this.#as(name, fromFloat16(halves(await this.#file.bytes(entry, begin, end))));
      case 'bfloat16':
        return this.#as(name, fromBfloat16(halves(await this.#file.bytes(entry, begin, end))));
      case 'int8':
        return this.#readBlocks(name, entry, begin, end);
    }
  }

  /** Of what comes plainly alone: the rest is so much smaller. */
  expect(name: string, begin: number, end: number): void {
    if (!this.#file.layout.entries.has(name)) this.#base.expect?.(name, begin, end);
    else if (this.#encoding.numbers === 'float32') this.#file.expect(name, begin, end);
  }

  forget(): void {
    this.#file.forget();
    this.#scales.forget();
    // Not the base: others read it at the same time.
  }

  /** In the float type of the tensor that was sent. */
  #as(name: string, values: Float32Array): Floats {
    return this.shape.get(name)!.dtype === 'float64' ? Float64Array.from(values) : values;
  }

  /** The base and, block by block, the levels times their scale: as `encodeWeights` computes them. */
  async #readBlocks(name: string, entry: TensorEntry, begin: number, end: number): Promise<Floats> {
    const first = Math.floor(begin / blockElements);
    const [sent, bytes, scales] = await Promise.all([
      this.#base.read(name, begin, end),
      this.#file.bytes(entry, begin, end),
      this.#scales.read(scalesOf(name), first, Math.ceil(end / blockElements)),
    ]);
    const values = sent.slice();
    const levels = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0, block = 0; at < levels.length; block++) {
      const stop = Math.min(levels.length, (first + block + 1) * blockElements - begin);
      const scale = scales[block]!;
      for (; at < stop; at++) values[at] = values[at]! + levels[at]! * scale;
    }
    return values;
  }
}

function halves({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(buffer, byteOffset, length / 2);
}

function mismatchOf(
  got: WeightsShape,
  expected: WeightsShape,
  { encoding, keepLocal }: { encoding: Encoding; keepLocal: readonly string[] },
): Mismatch | null {
  const mayLack = (name: string): boolean => encoding.onlyChanged || matchesAny(name, keepLocal);
  const due = [...expected].filter(([name]) => got.has(name) || !mayLack(name));
  return shapeMismatch(got, new Map(due.flatMap(([name, tensor]) => encodedShape(name, tensor, encoding))));
}

/** The tensors as which one travels. */
function encodedShape(name: string, { dtype, shape }: TensorShape, { numbers }: Encoding): [string, TensorShape][] {
  const encoded: DType = numbers === 'float32' ? dtype : numbers;
  const tensors: [string, TensorShape][] = [[name, { dtype: encoded, shape }]];
  if (numbers === 'int8') {
    tensors.push([scalesOf(name), { dtype: 'float32', shape: [Math.ceil(elementCount(shape) / blockElements)] }]);
  }
  return tensors;
}
