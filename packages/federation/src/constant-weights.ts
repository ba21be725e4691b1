/** Weights that are one number everywhere: what a strategy remembers before its first round, without storing it. */
import type { Floats, WeightsReader, WeightsShape } from './weights.ts';

export class ConstantWeights implements WeightsReader {
  readonly shape: WeightsShape;
  readonly #value: number;

  constructor(shape: WeightsShape, value: number) {
    this.shape = shape;
    this.#value = value;
  }

  async read(name: string, begin: number, end: number): Promise<Floats> {
    const { dtype } = this.shape.get(name)!;
    return new (dtype === 'float64' ? Float64Array : Float32Array)(end - begin).fill(this.#value);
  }
}
