/** How weights are written down for the journey from a site to the coordinator. */
import { z } from 'zod';

export const encodingSchema = z.object({
  /**
   * `float32`: as they are. `float16`, `bfloat16`: rounded to nearest even. `int8`: the difference to the weights that
   * were sent, in blocks of 4096 elements with a scale each; what rounding lost is added to the next difference.
   */
  numbers: z.enum(['float32', 'float16', 'bfloat16', 'int8']),
  /** Leave out tensors that equal what was sent to the last bit. */
  onlyChanged: z.boolean(),
});
export type Encoding = z.infer<typeof encodingSchema>;

export const plainEncoding: Encoding = { numbers: 'float32', onlyChanged: false };

/** int8: elements of a tensor, in their flat order, that share a scale. */
export const blockElements = 4096;

const scalesPrefix = 'scales:';

/** int8: what the tensor of a tensor's scales is called, `[ceil(elements / 4096)] float32`. */
export function scalesOf(name: string): string {
  return scalesPrefix + name;
}

/** int8: whether a tensor of this name could be taken for the scales of another. */
export function isNameOfScales(name: string): boolean {
  return name.startsWith(scalesPrefix);
}
