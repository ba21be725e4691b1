/**
 * What every loss reads: softmax probabilities, their logarithm at the true class and the one-hot labels, made once for
 * all terms. Voxels are laid out flat: `[n, c, v]` with v = z * y * x.
 */
import type { GraphBuilder, Value } from '@consilium/engine';

export class ClassProbabilities {
  readonly #graph: GraphBuilder;
  readonly #logits: Value;
  readonly #label: Value;
  readonly #ignoreLabel: number | undefined;
  readonly #made = new Map<string, Value>();
  readonly classes: number;

  /**
   * @param logits `[n, c, z, y, x]` float32
   * @param label `[n, 1, z, y, x]` float32, class numbers
   */
  constructor(graph: GraphBuilder, logits: Value, label: Value, ignoreLabel: number | undefined) {
    const [n, classes, ...grid] = logits.shape as [number, number, ...number[]];
    const voxels = grid.reduce((a, b) => a * b, 1);
    this.#graph = graph;
    this.#ignoreLabel = ignoreLabel;
    this.classes = classes;
    this.#logits = graph.op('Reshape', [logits, graph.int64s(n, classes, voxels)]);
    this.#label = graph.op('Reshape', [label, graph.int64s(n, 1, voxels)]);
  }

  /** 1 at each voxel's class, 0 elsewhere and at ignored voxels; `[n, c, v]`. */
  get oneHot(): Value {
    return this.#once('oneHot', (g) => {
      const numbers = Float32Array.from({ length: this.classes }, (_, index) => index);
      const column = g.constant({ dtype: 'float32', shape: [1, this.classes, 1], data: numbers });
      const oneHot = this.#isEqual(this.#label, column);
      const ambiguous = this.valid !== undefined && (this.#ignoreLabel as number) < this.classes;
      return ambiguous ? g.op('Mul', [oneHot, this.valid as Value]) : oneHot;
    });
  }

  /** 1 where a voxel counts, 0 where it is ignored; `[n, 1, v]`. Undefined if no label is ignored. */
  get valid(): Value | undefined {
    const ignored = this.#ignoreLabel;
    if (ignored === undefined) return undefined;
    return this.#once('valid', (g) => g.op('Sub', [g.scalar(1), this.#isEqual(this.#label, g.scalar(ignored))]));
  }

  /** Softmax over the classes, `[n, c, v]`: by primitives, which is several times faster than the operator. */
  get softmax(): Value {
    return this.#once('softmax', (g) => g.op('Div', [this.#exponentials, this.#normaliser]));
  }

  /** The softmax of the true class; `[n, 1, v]`, 0 at ignored voxels. */
  get ofTruth(): Value {
    return this.#once('ofTruth', (g) => this.#overClasses(g.op('Mul', [this.softmax, this.oneHot])));
  }

  /** -log softmax of the true class, without ever taking the logarithm of 0; `[n, 1, v]`, 0 at ignored voxels. */
  get negativeLogLikelihood(): Value {
    return this.#once('nll', (g) => {
      const logarithm = g.op('Log', [this.#normaliser]);
      const ofTruth = this.#overClasses(g.op('Mul', [this.#shifted, this.oneHot]));
      const nll = g.op('Sub', [logarithm, ofTruth]);
      return this.valid === undefined ? nll : g.op('Mul', [nll, this.valid]);
    });
  }

  /** Logits less their largest, so that the exponentials cannot overflow. */
  get #shifted(): Value {
    return this.#once('shifted', (g) => {
      const largest = g.op('ReduceMax', [this.#logits, g.int64s(1)], { keepdims: 1 });
      // The softmax does not depend on the shift, so its gradient is 0: whole numbers tell the engine that.
      const whole = g.op('Cast', [g.op('Cast', [largest], { to: int32 })], { to: float32 });
      return g.op('Sub', [this.#logits, whole]);
    });
  }

  get #exponentials(): Value {
    return this.#once('exponentials', (g) => g.op('Exp', [this.#shifted]));
  }

  get #normaliser(): Value {
    return this.#once('normaliser', () => this.#overClasses(this.#exponentials));
  }

  #overClasses(value: Value): Value {
    return this.#graph.op('ReduceSum', [value, this.#graph.int64s(1)], { keepdims: 1 });
  }

  #isEqual(a: Value, b: Value): Value {
    return this.#graph.op('Cast', [this.#graph.op('Equal', [a, b])], { to: float32 });
  }

  #once(key: string, make: (g: GraphBuilder) => Value): Value {
    let value = this.#made.get(key);
    if (value === undefined) {
      value = make(this.#graph);
      this.#made.set(key, value);
    }
    return value;
  }
}

/** Element types as the operator Cast numbers them (TensorProto.DataType). */
const float32 = 1;
const int32 = 6;
