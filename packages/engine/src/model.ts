/**
 * A network as this house holds it in memory: the graph of an ONNX model with its weights, free of protobuf. The files
 * are read and written by `model-codec.ts`; graphs are made by `graph-builder.ts`.
 */
import type { DType, Tensor, Weights } from '@consilium/numerics';
import { elementCount } from '@consilium/numerics';
import { EngineError } from './engine-error.ts';

/** An attribute of an operator. Whether a number is ONNX's `int` or `float` follows from the attribute's name. */
export type Attribute = number | string | readonly number[] | readonly string[] | Tensor;
export type Attributes = Readonly<Record<string, Attribute>>;

export interface GraphNode {
  readonly name: string;
  readonly type: string;
  /** '' is the standard operator set. */
  readonly domain: string;
  /** Names of values; '' is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A declared input or output. A dimension is a size, or the name of one that is bound later, or '' if nothing is said. */
export interface Declaration {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Declaration[];
  readonly outputs: readonly Declaration[];
  /** In an order in which each can be computed. */
  readonly nodes: readonly GraphNode[];
  /** Initializers that are no parameters: shapes, indices, fixed numbers. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

export interface Model {
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Versions of other operator sets, by domain. */
  readonly otherOpsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  /** The weights: floating-point initializers that training may change, in a fixed order. */
  readonly parameters: Weights;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The model's weights, not copied. */
export function weightsOf(model: Model): Weights {
  return model.parameters;
}

/**
 * The same graph with other weights (not copied), which must have exactly the model's names, shapes and types.
 * @throws EngineError `engine.weights-mismatch`
 */
export function withWeights(model: Model, weights: Weights): Model {
  assertSameLayout(model.parameters, weights);
  return { ...model, parameters: new Map([...model.parameters.keys()].map((name) => [name, weights.get(name)!])) };
}

/** @throws EngineError `engine.weights-mismatch` unless both have the same names, shapes and types. */
export function assertSameLayout(expected: Weights, given: Weights): void {
  const refuse: (reason: string) => never = (reason) => {
    throw new EngineError('engine.weights-mismatch', `the weights do not fit the network: ${reason}`);
  };
  for (const [name, { dtype, shape }] of expected) {
    const other = given.get(name);
    if (other === undefined) refuse(`${name} is missing`);
    if (other.dtype !== dtype || other.shape.length !== shape.length || other.shape.some((n, i) => n !== shape[i])) {
      refuse(`${name} is ${other.dtype} [${other.shape.join(', ')}], not ${dtype} [${shape.join(', ')}]`);
    }
    if (other.data.length !== elementCount(shape)) refuse(`${name} has ${other.data.length} elements`);
  }
  for (const name of given.keys()) if (!expected.has(name)) refuse(`${name} is not a parameter of the network`);
}
