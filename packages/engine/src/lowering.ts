/**
 * The same graph with some operators replaced by others that ONNX Runtime's CPU library computes faster; results differ
 * by rounding only. What was measured stands in docs/decisions/0004-training-graph-memory.md.
 */

import { pad, reshape, slice, transpose } from './gradients/rule.ts';
import { tilesJoined } from './gradients/tiles.ts';
import type { BuilderNode } from './graph-builder.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { GraphNode, Model } from './model.ts';
import { importModel } from './model-import.ts';
import { product, range, sameShape } from './shape.ts';
import type { Value } from './value.ts';
import { transposedWindowOf, type Window, windowOf } from './window.ts';

/** The node's output in another form, or undefined to leave the node as it is. */
type Form = (g: GraphBuilder, node: BuilderNode, inputs: readonly (Value | null)[]) => Value | undefined;

/** A model with open dimensions, or without an operator that has another form, is returned as it is. */
export function lowered(model: Model): Model {
  const isStatic = model.graph.inputs.every(({ shape }) => shape.every((size) => typeof size === 'number'));
  const concerns = model.graph.nodes.some((node) => node.domain === '' && Object.hasOwn(forms, node.type));
  if (!isStatic || !concerns || model.otherOpsets.size > 0) return model;
  const { g: source, parameters, outputs } = importModel(model);
  const g = new GraphBuilder({ name: model.graph.name, opset: model.opset });
  const values = new Map<string, Value>();
  for (const { name, dtype, shape } of source.inputs) values.set(name, g.input(name, dtype, shape));
  for (const [name, { dtype, shape }] of parameters) {
    values.set(name, g.parameter(name, { ...model.parameters.get(name)!, dtype, shape }));
  }
  const mapped = (value: Value): Value => {
    let own = values.get(value.name);
    if (own === undefined) {
      own = g.constant(source.known(value)!);
      values.set(value.name, own);
    }
    return own;
  };
  for (const node of source.nodes) {
    const inputs = node.inputs.map((value) => value && mapped(value));
    const form = node.domain === '' ? forms[node.type]?.(g, node, inputs) : undefined;
    if (form !== undefined) {
      values.set(node.outputs[0]!.name, form);
      continue;
    }
    const made = g.ops(node.type, inputs, node.outputs.length, node.attributes);
    node.outputs.forEach((value, index) => {
      values.set(value.name, made[index]!);
    });
  }
  for (const [name, value] of Object.entries(outputs)) g.output(name, mapped(value));
  const built = g.build();
  return { ...built, graph: { ...built.graph, nodes: byDepth(built.graph.nodes) }, metadata: model.metadata };
}

/**
 * Nodes by the length of the longest path to them. ONNX Runtime computes a node's inputs beginning with the one that
 * stands last in the file: with this order, first the gradient that comes from far, and only then what the node needs
 * besides, such as a centred activation computed again, which would otherwise be held through the whole pass.
 */
function byDepth(nodes: readonly GraphNode[]): readonly GraphNode[] {
  const depthOf = new Map<string, number>();
  const depths = nodes.map((node) => {
    const depth = 1 + Math.max(0, ...node.inputs.map((name) => depthOf.get(name) ?? 0));
    for (const name of node.outputs) depthOf.set(name, depth);
    return { node, depth };
  });
  return depths.sort((a, b) => a.depth - b.depth).map(({ node }) => node);
}

/** Below this many input channels the products are too small to gain from it. */
const foldedChannelsMin = 8;

/** What one folded convolution may hold at a time, bytes, before it is split by output channels ... */
const foldedBytesMax = 128e6;

/** ... of which so many stay together whatever they hold: fewer rows make slow products. */
const foldedChannelsTogether = 16;

/**
 * A 3-D convolution as one in the plane with kz times the output channels, of which each is shifted by its tap in depth
 * before they are added: a third of the copying, and products of three times as many rows.
 */
const foldedConvolution: Form = (g, node, [x, w, bias]) => {
  if (!x || !w || x.shape.length !== 5 || x.dtype !== 'float32' || (node.attributes['group'] ?? 1) !== 1)
    return undefined;
  const window = windowOf(node.attributes, x.shape.slice(2), w.shape.slice(2));
  const [co, ci, taps, ky, kx] = w.shape as [number, number, number, number, number];
  if (taps === 1 || ky * kx === 1 || ci < foldedChannelsMin || window.strides[0] !== 1) return undefined;
  const [batch, , depth] = x.shape as [number, number, number];
  const [, height, width] = window.output as [number, number, number];
  const channelsMax = Math.floor(foldedBytesMax / (4 * batch * taps * depth * height * width));
  const parts = Math.ceil(co / Math.min(co, Math.max(foldedChannelsTogether, channelsMax)));
  if (co % parts !== 0) return undefined;
  const results = range(parts).map((part) => {
    const channels = { start: (part * co) / parts, end: ((part + 1) * co) / parts };
    return folded(g, x, slice(g, w, 0, channels), { window, bias: bias ? slice(g, bias, 0, channels) : null });
  });
  return results.length === 1 ? results[0]! : g.op('Concat', results, { axis: 1 });
};

/**
 * The planes of a channel's taps follow one another, [co, taps z, y, x]: what belongs together lies z planes and one
 * dilation apart, so that a convolution of each channel with ones, dilated by as much, shifts and adds in one pass. Its
 * padding stands for what the first tap reads before its planes and the last after; where padding is wider than a
 * dilation other taps would read it too, so it is made beforehand.
 */
function folded(
  g: GraphBuilder,
  x: Value,
  w: Value,
  { window, bias }: { readonly window: Window; readonly bias: Value | null },
): Value {
  const [co, ci, taps, ky, kx] = w.shape as [number, number, number, number, number];
  const [, height, width] = window.output as [number, number, number];
  const [dilation, ...inPlaneDilations] = window.dilations as [number, number, number];
  const [begin, ...inPlaneBegin] = window.padsBegin as [number, number, number];
  const [end, ...inPlaneEnd] = window.padsEnd as [number, number, number];
  const isWide = Math.max(begin, end) > dilation;
  const planes = isWide ? pad(g, x, [0, 0, begin, 0, 0], [0, 0, end, 0, 0]) : x;
  const [batch, , depth] = planes.shape as [number, number, number];
  const byTap = transpose(g, reshape(g, w, [co, ci, taps, ky * kx]), [0, 2, 1, 3]);
  const inPlane = g.op('Conv', [planes, reshape(g, byTap, [co * taps, ci, 1, ky, kx])], {
    kernel_shape: [1, ky, kx],
    strides: [1, ...window.strides.slice(1)],
    dilations: [1, ...inPlaneDilations],
    pads: [0, ...inPlaneBegin, 0, ...inPlaneEnd],
  });
  const apart = reshape(g, inPlane, [batch, co, taps * depth, height, width]);
  return g.op('Conv', [apart, g.filled('float32', [co, 1, taps, 1, 1], 1), bias], {
    kernel_shape: [taps, 1, 1],
    dilations: [depth + dilation, 1, 1],
    pads: isWide ? [0, 0, 0, 0, 0, 0] : [begin, 0, 0, end, 0, 0],
    group: co,
  });
}

/** A transposed convolution whose windows do not overlap, as one matrix product: ConvTranspose takes several times as long. */
const upSampling: Form = (g, node, [x, w, bias]) => {
  if (!x || !w || x.dtype !== 'float32' || (node.attributes['group'] ?? 1) !== 1) return undefined;
  const [batch, ci, ...spatial] = x.shape as [number, number, ...number[]];
  const [, co, ...kernel] = w.shape as [number, number, ...number[]];
  const window = transposedWindowOf(node.attributes, spatial, kernel);
  const grown = spatial.map((size, axis) => size * kernel[axis]!);
  if (!sameShape(window.strides, kernel) || !sameShape(window.output, grown)) return undefined;
  if ([...window.padsBegin, ...window.padsEnd].some((count) => count !== 0)) return undefined;
  const rows = transpose(g, reshape(g, w, [ci, co * product(kernel)]), [1, 0]);
  const products = g.op('MatMul', [rows, reshape(g, x, [batch, ci, product(spatial)])]);
  const result = tilesJoined(g, reshape(g, products, [batch, co, ...kernel, ...spatial]));
  return bias ? g.op('Add', [result, reshape(g, bias, [co, ...kernel.map(() => 1)])]) : result;
};

const forms: Readonly<Record<string, Form>> = { Conv: foldedConvolution, ConvTranspose: upSampling };
