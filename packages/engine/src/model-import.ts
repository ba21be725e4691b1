/**
 * A model's graph as a `GraphBuilder`: its open dimensions bound, its nodes brought to the operator version in which this
 * package writes, every shape known, and the sizes that exporters compute at run time computed now.
 */
import type { DType, Tensor } from '@consilium/numerics';
import { EngineError } from './engine-error.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { Attributes, GraphNode, Model } from './model.ts';
import { range } from './shape.ts';
import type { Value } from './value.ts';

interface ImportOptions {
  /** Shapes of inputs, by name; needed where the model leaves dimensions open. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** `inputs`: the weights are fed at every run. */
  readonly parametersAs?: 'initializers' | 'inputs';
}

export interface ImportedModel {
  readonly g: GraphBuilder;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly parameters: ReadonlyMap<string, Value>;
}

/**
 * The same network for other input shapes, say another patch size or one batch entry; open dimensions are bound.
 * @throws EngineError `engine.shape-mismatch` if the network does not take such an input.
 */
export function specialise(model: Model, inputShapes: Readonly<Record<string, readonly number[]>> = {}): Model {
  const { g, outputs } = importModel(model, { inputShapes });
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
  return { ...g.build(), metadata: model.metadata };
}

export function importModel(model: Model, options: ImportOptions = {}): ImportedModel {
  if (model.opset < 13) {
    throw new EngineError(
      'engine.model-unsupported',
      `the ONNX model uses version ${model.opset} of the operators; export it for version 13 or later`,
    );
  }
  const g = new GraphBuilder({ name: model.graph.name, opset: model.opset });
  for (const [domain, version] of model.otherOpsets) g.importOpset(domain, version);
  const values = new Map<string, Value>();
  const inputs: Record<string, Value> = {};
  for (const { name, dtype, shape } of model.graph.inputs) {
    const bound = options.inputShapes?.[name] ?? shape;
    if (!bound.every((size) => typeof size === 'number')) {
      throw new EngineError('engine.shape-mismatch', `the shape of the input ${name} is open: say which one to use`);
    }
    inputs[name] = g.input(name, dtype, bound);
    values.set(name, inputs[name]);
  }
  const parameters = new Map<string, Value>();
  for (const [name, content] of model.parameters) {
    const asInput = options.parametersAs === 'inputs';
    const value = asInput ? g.input(name, content.dtype, content.shape) : g.parameter(name, content);
    parameters.set(name, value);
    values.set(name, value);
  }
  for (const [name, content] of model.graph.constants) values.set(name, g.constant(content, name));
  for (const node of model.graph.nodes) addNode(g, model, node, values);
  const outputs: Record<string, Value> = {};
  for (const { name } of model.graph.outputs) outputs[name] = valueCalled(name, values, 'the graph');
  return { g, inputs, outputs, parameters };
}

function valueCalled(name: string, values: ReadonlyMap<string, Value>, user: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new EngineError('engine.model-malformed', `${user} uses ${name}, which nothing makes`);
  return value;
}

function addNode(g: GraphBuilder, model: Model, node: GraphNode, values: Map<string, Value>): void {
  const inputs = node.inputs.map((name) => (name === '' ? null : valueCalled(name, values, node.type)));
  const outputs = outputsOf(node);
  const name = outputs[0]!;
  const bind = (made: readonly Value[]): void => {
    made.forEach((value, index) => {
      if (outputs[index] !== '') values.set(outputs[index]!, value);
    });
  };
  if (node.domain !== '') {
    const source = inputs[0];
    const declared = source ? outputs.map(() => ({ dtype: source.dtype, shape: source.shape })) : [];
    bind(g.ops(node.type, inputs, outputs.length, node.attributes, { name, domain: node.domain, declared }));
    return;
  }
  if (node.type === 'Constant') {
    bind([g.constant(constantOf(node), name)]);
    return;
  }
  const modern = modernised(g, model.opset, node, inputs);
  bind(g.ops(node.type, modern.inputs, outputs.length, modern.attributes, { name }));
}

/** Names of all outputs; '' for one that nobody uses. ONNX Runtime crashes where a Split or a batch lacks one. */
function outputsOf({ type, outputs, attributes }: GraphNode): readonly string[] {
  if (type === 'Split') return outputs;
  if (type === 'BatchNormalization' && attributes['training_mode'] === 1) {
    return range(3).map((index) => outputs[index] ?? '');
  }
  const last = outputs.findLastIndex((name) => name !== '');
  return outputs.slice(0, Math.max(1, last + 1));
}

function constantOf(node: GraphNode): Tensor {
  const [entry] = Object.entries(node.attributes);
  if (entry === undefined) throw new EngineError('engine.model-malformed', 'a Constant has no value');
  const [name, value] = entry;
  const whole = name === 'value_int' || name === 'value_ints';
  const dtype: DType = whole ? 'int64' : 'float32';
  if (typeof value === 'object' && 'dtype' in value) return value;
  if (typeof value === 'string' || (typeof value === 'object' && value.some((item) => typeof item === 'string'))) {
    throw new EngineError('engine.model-unsupported', 'the ONNX model uses a constant of text');
  }
  const list = typeof value === 'number' ? [value] : (value as readonly number[]);
  const data = whole ? BigInt64Array.from(list, BigInt) : Float32Array.from(list);
  return { dtype, shape: typeof value === 'number' ? [] : [list.length], data };
}

/** A node of an older operator version, written as version 21 wants it. */
function modernised(
  g: GraphBuilder,
  opset: number,
  node: GraphNode,
  inputs: readonly (Value | null)[],
): { inputs: readonly (Value | null)[]; attributes: Attributes } {
  const { type } = node;
  const attributes = { ...node.attributes };
  const axes = attributes['axes'] as readonly number[] | undefined;
  if (type.startsWith('Reduce') && axes !== undefined) {
    delete attributes['axes'];
    return { inputs: [inputs[0]!, g.int64s(...axes)], attributes };
  }
  if (type === 'Split' && opset < 18 && inputs.length < 2) {
    attributes['num_outputs'] = node.outputs.length;
    return { inputs, attributes };
  }
  if (type === 'GroupNormalization' && opset < 21) {
    const [x, scale, bias] = inputs as [Value, Value, Value];
    const groups = scale.shape[0]!;
    const perChannel = (value: Value): Value => {
      const size = x.shape[1]! / groups;
      const wide = g.op('Expand', [g.op('Reshape', [value, g.int64s(groups, 1)]), g.int64s(groups, size)]);
      return g.op('Reshape', [wide, g.int64s(groups * size)]);
    };
    return { inputs: [x, perChannel(scale), perChannel(bias)], attributes };
  }
  if (type === 'BatchNormalization' && opset < 14 && node.outputs.length > 1) {
    throw new EngineError(
      'engine.model-unsupported',
      'the ONNX model uses BatchNormalization in training before version 14',
    );
  }
  return { inputs, attributes };
}
