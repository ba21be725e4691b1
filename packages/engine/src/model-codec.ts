/**
 * ONNX files: https://onnx.ai/onnx/repo-docs/IR.html. The protobuf types are generated from the official schema
 * (`schema/onnx.proto`); here they are turned into a `Model` and back. Encoding the same model gives the same bytes.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ArrayOfDType, arrayConstructor, type DType, elementCount, type Tensor } from '@consilium/numerics';
import { EngineError } from './engine-error.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import type { Attribute, Declaration, Graph, GraphNode, Model } from './model.ts';

const codeOfDType = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int8: DataType.INT8,
  int16: DataType.INT16,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  uint16: DataType.UINT16,
  bool: DataType.BOOL,
} as const satisfies Record<DType, DataType>;
const dtypeOfCode = new Map<number, DType>(Object.entries(codeOfDType).map(([dtype, code]) => [code, dtype as DType]));

/** Attributes of the standard operators that are `float` or `floats`; every other number is an `int`. */
const floatAttributes = new Set(
  `alpha beta bias cubic_coeff_a epsilon extrapolation_value gamma high lambd low mean momentum ratio scale scales
  spatial_scale value_float value_floats softcap`.split(/\s+/),
);

/** The kind of the attributes that this package reads; others may be anything. */
const attributeKinds: ReadonlyMap<string, 'number' | 'list' | 'text' | 'tensor'> = new Map([
  ...`allowzero alpha antialias axis beta blocksize ceil_mode count_include_pad end epsilon exclusive group keepdims
  momentum noop_with_empty_axes num_groups num_outputs reverse start to training_mode transA transB value_float
  value_int`
    .split(/\s+/)
    .map((name) => [name, 'number'] as const),
  ...'axes dilations kernel_shape output_padding output_shape pads perm split strides value_floats value_ints'
    .split(' ')
    .map((name) => [name, 'list'] as const),
  ...'approximate auto_pad coordinate_transformation_mode keep_aspect_ratio_policy mode nearest_mode reduction'
    .split(' ')
    .map((name) => [name, 'text'] as const),
  ['value', 'tensor'],
]);

/** Where the names of the trainable initializers are kept in a file that we wrote. */
const parametersKey = 'consilium.parameters';
/** IR version 10 goes with operator set 21. */
const irVersion = 10n;

/** Number of the element type in `Cast` and the like. */
export function codeOf(dtype: DType): number {
  return codeOfDType[dtype];
}

/** The element type of a number in `Cast` and the like. */
export function dtypeOf(code: number): DType {
  const dtype = dtypeOfCode.get(code);
  if (dtype === undefined) throw unsupported(`element type number ${code}`);
  return dtype;
}

/** The bytes of an .onnx file with the weights inside. */
export function encodeModel(model: Model): Uint8Array {
  const { graph } = model;
  const metadata = { ...model.metadata, [parametersKey]: JSON.stringify([...model.parameters.keys()]) };
  const message = create(ModelProtoSchema, {
    irVersion,
    producerName: 'consilium',
    opsetImport: [...new Map([['', model.opset], ...model.otherOpsets])].map(([domain, version]) => ({
      domain,
      version: BigInt(version),
    })),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: graph.nodes.map(encodeNode),
      initializer: [...model.parameters, ...graph.constants].map(([name, value]) => encodeTensor(name, value)),
      input: graph.inputs.map(encodeDeclaration),
      output: graph.outputs.map(encodeDeclaration),
    }),
  });
  return toBinary(ModelProtoSchema, message);
}

/**
 * The model in an .onnx file. In a file that we did not write, the parameters are its floating-point initializers of at
 * least one dimension, but for running statistics, the fixed scales of PyTorch's exported GroupNorm, and what the
 * exporter notes to be a buffer.
 * @throws EngineError `engine.model-malformed`, or `engine.model-unsupported` for what this package cannot hold:
 * sub-graphs, local functions, external or sparse or string data, rare element types.
 */
export function decodeModel(bytes: Uint8Array): Model {
  let message: ModelProto;
  try {
    message = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new EngineError('engine.model-malformed', 'the file is not an ONNX model', { cause });
  }
  const { graph } = message;
  if (graph === undefined || message.opsetImport.length === 0) throw malformed('it has no graph or no operator set');
  if (message.functions.length > 0) throw unsupported('local functions');
  if (graph.sparseInitializer.length > 0) throw unsupported('sparse initializers');
  const opsets = new Map(message.opsetImport.map((each) => [each.domain, Number(each.version)]));
  const opset = opsets.get('') ?? opsets.get('ai.onnx');
  if (opset === undefined) throw malformed('it does not import the standard operator set');
  opsets.delete('');
  opsets.delete('ai.onnx');
  const metadata = Object.fromEntries(message.metadataProps.map(({ key, value }) => [key, value]));
  const named = metadata[parametersKey];
  delete metadata[parametersKey];
  const initializers = new Map(graph.initializer.map((each) => [each.name, decodeTensor(each)]));
  const isParameter = parameterTest(graph, named);
  const split = (wanted: boolean): Map<string, Tensor> =>
    new Map([...initializers].filter(([name, value]) => isParameter(name, value) === wanted));
  return { opset, otherOpsets: opsets, metadata, parameters: split(true), graph: decodeGraph(graph, split(false)) };
}

function parameterTest(graph: GraphProto, named: string | undefined): (name: string, value: Tensor) => boolean {
  if (named !== undefined) {
    let names: unknown;
    try {
      names = JSON.parse(named);
    } catch {
      throw malformed('its list of parameters is not JSON');
    }
    const listed = new Set(Array.isArray(names) ? names : []);
    return (name) => listed.has(name);
  }
  const fixed = new Set([...fixedByUse(graph), ...fixedByExporter(graph)]);
  return (name, { dtype, shape }) =>
    (dtype === 'float32' || dtype === 'float64') && shape.length > 0 && !fixed.has(name);
}

/** Initializers that are no parameters wherever they come from. */
function fixedByUse({ node: nodes }: GraphProto): string[] {
  const reshaped = new Set(nodes.flatMap((node) => (node.opType === 'Reshape' ? node.output : [])));
  return nodes.flatMap(({ opType, input }) => {
    if (opType === 'BatchNormalization') return input.slice(3); // running statistics
    if (opType === 'Resize') return input.slice(1);
    // PyTorch exports GroupNorm as Reshape and InstanceNormalization with a scale of ones and a bias of zeros
    return opType === 'InstanceNormalization' && reshaped.has(input[0] ?? '') ? input.slice(1) : [];
  });
}

/** What PyTorch's exporter notes beside a value that is an input of the traced program. */
const exporterKind = 'pkg.torch.export.graph_signature.InputSpec.kind';

/** Buffers and constants of a PyTorch module, if the exporter says which those are. */
function fixedByExporter({ valueInfo }: GraphProto): string[] {
  return valueInfo.flatMap(({ name, metadataProps }) =>
    metadataProps.some(({ key, value }) => key === exporterKind && value !== 'PARAMETER') ? [name] : [],
  );
}

function decodeGraph(graph: GraphProto, constants: Map<string, Tensor>): Graph {
  const initializers = new Set(graph.initializer.map((each) => each.name));
  return {
    name: graph.name,
    inputs: graph.input.filter((each) => !initializers.has(each.name)).map(decodeDeclaration),
    outputs: graph.output.map(decodeDeclaration),
    nodes: graph.node.map(decodeNode),
    constants,
  };
}

function encodeNode(node: GraphNode): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.type,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  });
}

function decodeNode(node: NodeProto): GraphNode {
  if (node.overload !== '') throw unsupported(`the overloaded operator ${node.opType}`);
  return {
    name: node.name,
    type: node.opType,
    domain: node.domain === 'ai.onnx' ? '' : node.domain,
    inputs: node.input,
    outputs: node.output,
    attributes: Object.fromEntries(node.attribute.map((each) => [each.name, checkedAttribute(node, each)])),
  };
}

function encodeAttribute(name: string, value: Attribute): AttributeProto {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const isFloat = floatAttributes.has(name);
  const proto = create(AttributeProtoSchema, { name });
  if (typeof value === 'string') Object.assign(proto, { type: AttributeType.STRING, s: bytes(value) });
  else if (typeof value === 'number') {
    Object.assign(
      proto,
      isFloat ? { type: AttributeType.FLOAT, f: value } : { type: AttributeType.INT, i: BigInt(value) },
    );
  } else if ('dtype' in value) Object.assign(proto, { type: AttributeType.TENSOR, t: encodeTensor('', value) });
  else if (value.some((item) => typeof item === 'string')) {
    Object.assign(proto, { type: AttributeType.STRINGS, strings: value.map((item) => bytes(String(item))) });
  } else if (isFloat) Object.assign(proto, { type: AttributeType.FLOATS, floats: [...value] });
  else Object.assign(proto, { type: AttributeType.INTS, ints: value.map((item) => BigInt(item)) });
  return proto;
}

function checkedAttribute(node: NodeProto, attribute: AttributeProto): Attribute {
  const value = decodeAttribute(node, attribute);
  const kind = kindOf(value);
  const expected = node.domain === '' || node.domain === 'ai.onnx' ? attributeKinds.get(attribute.name) : undefined;
  if ((expected ?? kind) !== kind) {
    throw malformed(`the attribute ${attribute.name} of ${node.opType} is a ${kind}, not a ${expected}`);
  }
  return value;
}

function kindOf(value: Attribute): 'number' | 'list' | 'text' | 'tensor' {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  return 'dtype' in value ? 'tensor' : 'list';
}

function decodeAttribute(node: NodeProto, attribute: AttributeProto): Attribute {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (attribute.type) {
    case AttributeType.FLOAT:
      return attribute.f;
    case AttributeType.INT:
      return Number(attribute.i);
    case AttributeType.STRING:
      return text(attribute.s);
    case AttributeType.FLOATS:
      return attribute.floats;
    case AttributeType.INTS:
      return attribute.ints.map(Number);
    case AttributeType.STRINGS:
      return attribute.strings.map(text);
    case AttributeType.TENSOR:
      if (attribute.t === undefined) throw malformed(`attribute ${attribute.name} of ${node.opType} is empty`);
      return decodeTensor(attribute.t);
    default:
      throw unsupported(`${node.opType} with the attribute ${attribute.name} of type number ${attribute.type}`);
  }
}

function encodeTensor(name: string, value: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: codeOfDType[value.dtype],
    dims: value.shape.map(BigInt),
    rawData: new Uint8Array(value.data.buffer as ArrayBuffer, value.data.byteOffset, value.data.byteLength),
  });
}

function decodeTensor(proto: TensorProto): Tensor {
  if (proto.dataLocation === DataLocation.EXTERNAL) throw unsupported(`external data (tensor ${proto.name})`);
  const dtype = dtypeOf(proto.dataType);
  const shape = proto.dims.map(Number);
  const Constructor = arrayConstructor[dtype];
  const count = elementCount(shape);
  const wrong = (): EngineError => malformed(`tensor ${proto.name}: shape and data disagree`);
  if (shape.some((size) => size < 0)) throw wrong();
  if (proto.rawData.length > 0 || count === 0) {
    if (proto.rawData.length !== count * Constructor.BYTES_PER_ELEMENT) throw wrong();
    const copy = Uint8Array.from(proto.rawData); // the slice of a Buffer would share memory
    return { dtype, shape, data: new Constructor(copy.buffer as ArrayBuffer) as ArrayOfDType[DType] };
  }
  if (dtype === 'int64') {
    if (proto.int64Data.length !== count) throw wrong();
    return { dtype, shape, data: BigInt64Array.from(proto.int64Data) };
  }
  const values = dtype === 'float32' ? proto.floatData : dtype === 'float64' ? proto.doubleData : proto.int32Data;
  if (values.length !== count) throw wrong();
  return { dtype, shape, data: (Constructor as Float32ArrayConstructor).from(values) as never };
}

function encodeDeclaration({ name, dtype, shape }: Declaration): ValueInfoProto {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : size === ''
          ? { case: undefined }
          : { case: 'dimParam' as const, value: size },
  }));
  const value = { elemType: codeOfDType[dtype], shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value } } });
}

function decodeDeclaration(proto: ValueInfoProto): Declaration {
  const type = proto.type?.value;
  if (type?.case !== 'tensorType') throw unsupported(`${proto.name}, which is no tensor`);
  const shape = (type.value.shape?.dim ?? []).map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : (value.value ?? ''),
  );
  return { name: proto.name, dtype: dtypeOf(type.value.elemType), shape };
}

function malformed(reason: string): EngineError {
  return new EngineError('engine.model-malformed', `the ONNX model is malformed: ${reason}`);
}

function unsupported(what: string): EngineError {
  return new EngineError('engine.model-unsupported', `the ONNX model uses ${what}, which is not supported`);
}
