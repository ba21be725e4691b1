/**
 * Builds an ONNX graph node by node, with the type and shape of every value known as it is made. Names are deterministic:
 * the same calls give the same model, byte by byte.
 */
import { type DType, elementCount, type Tensor } from '@consilium/numerics';
import { fold, numbersOf, tensorOf } from './constant-folding.ts';
import { EngineError } from './engine-error.ts';
import type { Attribute, Attributes, Declaration, GraphNode, Model } from './model.ts';
import { inferShapes, type TypeAndShape } from './shape-inference.ts';
import type { Value } from './value.ts';

/** A node while its graph is being built. */
export interface BuilderNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

interface NodeOptions {
  /** Name of the node and of its first output; must be free. */
  readonly name?: string;
  readonly domain?: string;
  /** Used if the operator has no shape rule: what a file declares about its outputs. */
  readonly declared?: readonly TypeAndShape[];
}

/** Versions of the standard operators in which this package writes. */
const opsetWritten = 21;

export class GraphBuilder {
  readonly opset: number;
  readonly #name: string;
  readonly #values = new Map<string, Value>();
  readonly #nodes: BuilderNode[] = [];
  readonly #inputs: Value[] = [];
  readonly #parameters = new Map<string, Tensor>();
  readonly #constants = new Map<string, Tensor>();
  readonly #constantOfContent = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #otherOpsets = new Map<string, number>();
  readonly #counters = new Map<string, number>();

  constructor(options: { name?: string; opset?: number } = {}) {
    this.#name = options.name ?? 'graph';
    this.opset = Math.max(options.opset ?? opsetWritten, opsetWritten);
  }

  /** In the order in which they were made, which is one in which they can be computed. */
  get nodes(): readonly BuilderNode[] {
    return this.#nodes;
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): ReadonlyMap<string, Value> {
    return this.#outputs;
  }

  /** Lets nodes of another operator set be added. */
  importOpset(domain: string, version: number): void {
    this.#otherOpsets.set(domain, version);
  }

  /** Something fed at every run. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value = this.#add(name, dtype, shape);
    this.#inputs.push(value);
    return value;
  }

  /** A trainable initializer. */
  parameter(name: string, value: Tensor): Value {
    this.#parameters.set(name, value);
    return this.#add(name, value.dtype, value.shape);
  }

  /** A fixed initializer; equal contents share one, unless a name is asked for. */
  constant(value: Tensor, name?: string): Value {
    const bytes = new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    const content = `${value.dtype} ${value.shape} ${bytes.length <= 512 ? bytes.join() : ''}`;
    const shareable = bytes.length <= 512 && name === undefined;
    const existing = shareable ? this.#constantOfContent.get(content) : undefined;
    if (existing !== undefined) return existing;
    const made = this.#add(name ?? this.#freeName('constant'), value.dtype, value.shape);
    this.#constants.set(made.name, value);
    if (shareable) this.#constantOfContent.set(content, made);
    return made;
  }

  /** A constant of shape []. */
  scalar(value: number, dtype: DType = 'float32'): Value {
    return this.constant(tensorOf(dtype, [], [value]));
  }

  /** A constant vector of int64, as shapes, axes and indices are. */
  int64s(...values: readonly number[]): Value {
    return this.constant(tensorOf('int64', [values.length], values));
  }

  /** A constant filled with one number. */
  filled(dtype: DType, shape: readonly number[], value: number): Value {
    const count = elementCount(shape);
    if (count <= 128) return this.constant(tensorOf(dtype, shape, new Array<number>(count).fill(value)));
    return this.op('ConstantOfShape', [this.int64s(...shape)], { value: tensorOf(dtype, [1], [value]) });
  }

  /** The content of a value, where it is known before the network runs. */
  known(value: Value): Tensor | undefined {
    return this.#constants.get(value.name);
  }

  /**
   * Appends an operator with one output. What can be computed now (shapes and sizes) becomes a constant instead.
   * @throws EngineError `engine.shape-mismatch`, `engine.operator-unknown`
   */
  op(type: string, inputs: readonly (Value | null)[], attributes: Attributes = {}, options: NodeOptions = {}): Value {
    return this.ops(type, inputs, 1, attributes, options)[0]!;
  }

  /** Appends an operator with several outputs. */
  ops(
    type: string,
    inputs: readonly (Value | null)[],
    outputCount: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const results = this.#infer(type, inputs, attributes, outputCount, options);
    if (outputCount === 1 && options.domain === undefined) {
      const folded = this.#fold(type, inputs, attributes, results[0]!);
      if (folded !== undefined) return [this.constant(folded, options.name)];
    }
    const name = options.name ?? this.#freeName(type);
    const outputs = results.map((result, index) =>
      this.#add(index === 0 ? name : this.#freeName(`${name}_output`), result.dtype, result.shape),
    );
    const trimmed = [...inputs];
    while (trimmed.length > 0 && trimmed.at(-1) === null) trimmed.pop();
    this.#nodes.push({ name, type, domain: options.domain ?? '', inputs: trimmed, outputs, attributes });
    return outputs;
  }

  /** Declares a result of the graph. */
  output(name: string, value: Value): void {
    this.#outputs.set(name, value);
  }

  /** The model, without nodes and initializers that no output needs. */
  build(): Model {
    const renamed = this.#namesOfOutputs();
    const extra = [...this.#outputs].filter(([name, value]) => renamed.get(value.name) !== name);
    const needed = new Set([...this.#outputs.values()].map((value) => value.name));
    const kept: BuilderNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((value) => needed.has(value.name))) continue;
      kept.push(node);
      for (const value of node.inputs) if (value !== null) needed.add(value.name);
    }
    const nameOf = (value: Value | null): string => (value === null ? '' : (renamed.get(value.name) ?? value.name));
    const nodes: GraphNode[] = kept.reverse().map((node) => ({
      ...node,
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf), // also those that nothing needs: without them ONNX Runtime crashes in Split
    }));
    for (const [name, value] of extra) {
      const node = { name, type: 'Identity', domain: '', inputs: [nameOf(value)], outputs: [name], attributes: {} };
      nodes.push(node);
    }
    const declare = ({ dtype, shape }: Value, name: string): Declaration => ({ name, dtype, shape });
    return {
      opset: this.opset,
      otherOpsets: new Map(this.#otherOpsets),
      metadata: {},
      parameters: new Map([...this.#parameters].filter(([name]) => needed.has(name))),
      graph: {
        name: this.#name,
        inputs: this.#inputs.map((value) => declare(value, value.name)),
        outputs: [...this.#outputs].map(([name, value]) => declare(value, name)),
        nodes,
        constants: new Map([...this.#constants].filter(([name]) => needed.has(name))),
      },
    };
  }

  /** An output computed by a node gives that value its name; any other output needs an Identity. */
  #namesOfOutputs(): Map<string, string> {
    const computed = new Set(this.#nodes.flatMap((node) => node.outputs.map((value) => value.name)));
    const renamed = new Map<string, string>();
    for (const [name, value] of this.#outputs) {
      const taken = name !== value.name && this.#values.has(name);
      if (computed.has(value.name) && !renamed.has(value.name) && !taken) renamed.set(value.name, name);
    }
    return renamed;
  }

  #add(name: string, dtype: DType, shape: readonly number[]): Value {
    if (name === '' || this.#values.has(name)) {
      throw new EngineError('engine.model-malformed', `two values of the graph are called '${name}'`);
    }
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new EngineError('engine.shape-mismatch', `'${name}' would have the shape [${shape.join(', ')}]`);
    }
    const value: Value = { name, dtype, shape: [...shape] };
    this.#values.set(name, value);
    return value;
  }

  #freeName(stem: string): string {
    let count = this.#counters.get(stem) ?? 0;
    while (this.#values.has(`${stem}_${count}`)) count++;
    this.#counters.set(stem, count + 1);
    return `${stem}_${count}`;
  }

  #infer(
    type: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    outputCount: number,
    options: NodeOptions,
  ): readonly TypeAndShape[] {
    const known = (index: number): readonly number[] | undefined => {
      const value = inputs[index];
      const content = value ? this.known(value) : undefined;
      return content === undefined ? undefined : numbersOf(content);
    };
    let results: readonly TypeAndShape[] | undefined;
    try {
      if (options.domain === undefined) results = inferShapes({ type, inputs, attributes, outputCount, known });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(error.code, `${type} ${options.name ?? ''}: ${error.message}`, { cause: error });
    }
    results ??= options.declared;
    if (results === undefined) {
      throw new EngineError('engine.operator-unknown', `the shapes of the operator ${type} are not known here`);
    }
    if (results.length !== outputCount) {
      throw new EngineError('engine.shape-mismatch', `${type} has ${results.length} outputs, not ${outputCount}`);
    }
    return results;
  }

  #fold(
    type: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    result: TypeAndShape,
  ): Tensor | undefined {
    if (type === 'Shape') {
      const start = (attributes['start'] as number | undefined) ?? 0;
      return tensorOf('int64', result.shape, inputs[0]!.shape.slice(start, attributes['end'] as number | undefined));
    }
    if (type === 'Size') return tensorOf('int64', [], [elementCount(inputs[0]!.shape)]);
    const contents = inputs.map((value) => value && (this.known(value) ?? undefined));
    if (contents.some((content) => content === undefined) || contents.length === 0) return undefined;
    if (type === 'ConstantOfShape' && elementCount(result.shape) > 128) return undefined;
    return fold({ type, attributes, inputs: contents as (Tensor | null)[], result });
  }
}

/** The attribute as a number, or what the operator's definition says when it is absent. */
export function numberAttribute(attributes: Attributes, name: string, absent: number): number {
  return (attributes[name] as Attribute | undefined as number | undefined) ?? absent;
}
