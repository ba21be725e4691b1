/**
 * ONNX Runtime's kernels round differently by where in memory a tensor begins: the first elements of an array that is
 * not aligned to a vector register take another path. Its own tensors always are aligned; those of JavaScript are by
 * chance. So whatever comes in is first copied, and whatever goes out is copied last: the same inputs, the same bytes.
 */
import type { DType } from '@consilium/numerics';
import type { GraphNode, Model } from '../model.ts';

const floats: ReadonlySet<DType> = new Set(['float32', 'float64']);

/** The same model, computing on memory of ONNX Runtime's alone. */
export function withOwnMemory(model: Model): Model {
  const { graph } = model;
  const inside = new Map(
    [...graph.inputs, ...graph.outputs]
      .filter(({ dtype }) => floats.has(dtype))
      .map(({ name }) => [name, `${name} inside`]),
  );
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const renamed = (name: string): string => inside.get(name) ?? name;
  const incoming = graph.inputs.filter(({ name }) => inside.has(name));
  const outgoing = graph.outputs.filter(({ name }) => inside.has(name) && made.has(name));
  for (const { name } of graph.outputs)
    if (!made.has(name) && !incoming.some((each) => each.name === name)) inside.delete(name);
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [
        ...incoming.map(({ name }) => copy(name, renamed(name))),
        ...graph.nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map(renamed),
          outputs: node.outputs.map(renamed),
        })),
        ...outgoing.map(({ name }) => copy(renamed(name), name)),
      ],
    },
  };
}

/** A sum of one: copied, and by no optimisation left out. */
function copy(from: string, to: string): GraphNode {
  return { name: `copy to ${to}`, type: 'Sum', domain: '', inputs: [from], outputs: [to], attributes: {} };
}
