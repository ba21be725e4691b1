/** What people are told of a network: how large it is, and of which operators it is made. */
import { decodeModel, weightsOf } from '@consilium/engine';

export interface NetworkFacts {
  /** Numbers that are trained. */
  readonly parameters: number;
  /** How often each ONNX operator is in the graph. */
  readonly operators: Readonly<Record<string, number>>;
}

/** @param bytes an ONNX file @returns null of what is no network: it cannot be trained here either */
export function networkFactsOf(bytes: Uint8Array): NetworkFacts | null {
  try {
    const model = decodeModel(bytes);
    let parameters = 0;
    for (const { data } of weightsOf(model).values()) parameters += data.length;
    const operators: Record<string, number> = {};
    for (const { type } of model.graph.nodes) operators[type] = (operators[type] ?? 0) + 1;
    return { parameters, operators };
  } catch {
    return null;
  }
}
