/**
 * The order in which a runtime computes nodes decides how much memory they take together. ONNX Runtime walks from the
 * results to what they need, so weight gradients, which only the optimiser waits for, would all come last and hold every
 * activation until then. A dependency is the one order that every runtime keeps.
 */

import { tensorOf } from '../constant-folding.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Value } from '../value.ts';

/** `value`, unchanged, but not before `earlier`, which has its shape, has been computed. */
export function onlyAfter(g: GraphBuilder, earlier: Value, value: Value): Value {
  return g.op('Where', [g.constant(tensorOf('bool', [], [0])), earlier, value]);
}
