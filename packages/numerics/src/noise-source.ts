/**
 * Noise that hides something: Gaussian noise and coin flips made of bytes that nobody else can guess. Where the bytes
 * come from is injected; seeded ones are for tests and rehearsals alone.
 *
 * The proofs of differential privacy speak of real numbers. In floating point the sum of a value and noise can be one of
 * few numbers that give the value away in their last bits (Mironov 2012, doi:10.1145/2382196.2382264; for Gaussians Jin
 * et al. 2022, arXiv:2112.05307). So every noisy number is rounded to a multiple of a power of two, about a 65536th of the
 * noise: tens of millions of sums end in each multiple, and which of them it was is gone. Not defended: how long a draw
 * takes, and the tail beyond 8.5 standard deviations, which a uniform of 53 bits cannot reach (its probability, 10^-17 a
 * number, is a part of δ).
 */

/** Fills the array with bytes. */
export type ByteSource = (into: Uint8Array<ArrayBuffer>) => void;

const bufferWords = 8192;
/** Multiples to which noisy numbers are rounded, at least so many in a standard deviation. */
const gridSteps = 2 ** 16;

export class NoiseSource {
  readonly #fill: ByteSource;
  readonly #words = new Uint32Array(bufferWords);
  #next = bufferWords;

  constructor(fill: ByteSource) {
    this.#fill = fill;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.#uniform() < probability;
  }

  /** Uniform in 0 .. 2^47 - 1: the seed of a stream that is not to be guessed either. */
  seed(): number {
    return Math.floor(this.#uniform() * 2 ** 47);
  }

  /** Adds to each value a draw from N(0, `deviation`²), in place, and rounds the sum to the grid. 0 changes nothing. */
  addGaussian(values: Float64Array, deviation: number): void {
    if (deviation === 0) return;
    const grid = 2 ** Math.floor(Math.log2(deviation / gridSteps));
    for (let index = 0; index < values.length; index += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - this.#uniform())); // Box and Muller
      const angle = 2 * Math.PI * this.#uniform();
      values[index] = Math.round((values[index]! + radius * Math.cos(angle)) / grid) * grid;
      if (index + 1 < values.length) {
        values[index + 1] = Math.round((values[index + 1]! + radius * Math.sin(angle)) / grid) * grid;
      }
    }
  }

  /** In [0, 1), 53 bits. */
  #uniform(): number {
    if (this.#next === bufferWords) {
      this.#fill(new Uint8Array(this.#words.buffer));
      this.#next = 0;
    }
    const high = this.#words[this.#next]! >>> 5;
    const low = this.#words[this.#next + 1]! >>> 6;
    this.#next += 2;
    return (high * 2 ** 26 + low) * 2 ** -53;
  }
}
