/** Whether contributed weights may enter the average: they must be the tensors that were sent, with finite numbers. */
import { decodeSafetensors, type Tensor, type Weights } from '@consilium/numerics';

export type Admission =
  | { readonly admitted: true; readonly weights: Weights }
  | { readonly admitted: false; readonly code: string; readonly message: string };

const refused = (code: `federation.${string}`, message: string): Admission => ({ admitted: false, code, message });

/** `bytes`: safetensors. `expected`: the weights that the site was sent. */
export function admit(bytes: Uint8Array, expected: Weights): Admission {
  let weights: Weights;
  try {
    weights = decodeSafetensors(bytes).tensors;
  } catch {
    return refused('federation.weights-malformed', 'The weights are not a well-formed safetensors file.');
  }
  const missing = [...expected.keys()].filter((name) => !weights.has(name));
  const added = [...weights.keys()].filter((name) => !expected.has(name));
  if (missing.length > 0 || added.length > 0) {
    return refused(
      'federation.weights-other-names',
      `The weights are those of another network: ${missing.length} tensors are missing and ${added.length} are unknown.`,
    );
  }
  for (const [name, sent] of expected) {
    const got = weights.get(name)!;
    if (got.dtype !== sent.dtype) {
      return refused('federation.weights-other-dtype', `Tensor ${name} is ${got.dtype} instead of ${sent.dtype}.`);
    }
    if (got.shape.length !== sent.shape.length || got.shape.some((size, axis) => size !== sent.shape[axis])) {
      return refused(
        'federation.weights-other-shape',
        `Tensor ${name} has shape [${got.shape}] instead of [${sent.shape}].`,
      );
    }
    if (!isAllFinite(got)) {
      return refused('federation.weights-not-finite', `Tensor ${name} holds values that are not finite numbers.`);
    }
  }
  return { admitted: true, weights };
}

/** Only float32 and float64 reach this: a job with other dtypes is refused before it starts. */
function isAllFinite({ data }: Tensor): boolean {
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index] as number)) return false;
  }
  return true;
}
