/**
 * Which chunks hold nothing but finite numbers. Looked at while a chunk is in memory, because it has just arrived, so that
 * weights need not be read once more before they are admitted. A chunk's name is a hash: what is known of it stays true.
 */
import type { ChunkId } from '@consilium/protocol';

/** Of 128 GiB of weights. */
const knownMax = 2 ** 14;

export class FiniteChunks {
  /** The oldest first. */
  readonly #known = new Set<ChunkId>();

  /** `bytes`: all of the chunk, read as little-endian float32. */
  note(id: ChunkId, bytes: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = bytes;
    const size = Float32Array.BYTES_PER_ELEMENT;
    if (byteOffset % size !== 0 || byteLength % size !== 0) return;
    if (!isAllFinite(new Float32Array(buffer, byteOffset, byteLength / size))) return;
    this.#known.delete(id);
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > knownMax) this.#known.delete(oldest!);
  }

  /** Whether it is known to be of finite float32 throughout; of one that is not, nothing is known. */
  has(id: ChunkId): boolean {
    return this.#known.has(id);
  }
}

/** The exponent of what is not finite is all ones: one more carries into the sign. */
export function isAllFinite(values: Float32Array | Float64Array): boolean {
  if (values instanceof Float64Array) return isAllFinite64(values);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let carried = 0;
  for (let index = 0; index < bits.length; index++) carried |= (bits[index]! & 0x7fffffff) + 0x00800000;
  return carried >= 0;
}

/** x - x is 0 for finite x and NaN for others; a sum of such differences is 0 only if all are finite. */
function isAllFinite64(values: Float64Array): boolean {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! - values[index]!;
  return sum === 0;
}
