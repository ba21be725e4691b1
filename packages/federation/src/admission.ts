/** Whether contributed weights may enter the average: they must be the tensors that were sent, with finite numbers. */
import { SafetensorsError } from '@consilium/numerics';
import type { BlobId, Encoding, TrainContribution } from '@consilium/protocol';
import { ContributedWeights } from './contributed-weights.ts';
import { shapeMismatch } from './shape-mismatch.ts';
import type { BlobStore } from './store.ts';
import type { TrainInstructions } from './strategy.ts';
import { forEachStretch, WeightsFile, type WeightsReader, type WeightsShape } from './weights.ts';

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly code: string; readonly message: string };

const refused = (code: `federation.${string}`, message: string): Admission => ({ admitted: false, code, message });

/** What a site was asked for. */
interface Asking extends Pick<TrainInstructions, 'keepLocal' | 'control'> {
  readonly reply: Encoding;
}

/** Reads every number once. `base`: the weights that the site was sent. */
export async function admit(
  store: BlobStore,
  contribution: TrainContribution,
  base: WeightsReader,
  { keepLocal, control, reply }: Asking,
): Promise<Admission> {
  const { numbers, onlyChanged } = contribution.encoding;
  if (numbers !== reply.numbers || onlyChanged !== reply.onlyChanged) {
    return refused('federation.other-encoding', 'The weights did not come in the encoding that was asked for.');
  }
  try {
    if (control !== null && contribution.controlChange === null) {
      return refused('federation.control-missing', 'It does not say how the control variate of the site has changed.');
    }
    const weights = await ContributedWeights.open(store, contribution, base, keepLocal);
    if (weights.mismatch !== null) return refused(weights.mismatch.code, weights.mismatch.message);
    return (await firstNotFinite(weights)) ?? (await admitControl(store, contribution.controlChange, base.shape));
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return refused('federation.weights-malformed', 'The weights are not a well-formed safetensors file.');
  }
}

async function admitControl(store: BlobStore, blob: BlobId | null, expected: WeightsShape): Promise<Admission> {
  if (blob === null) return { admitted: true };
  const file = await WeightsFile.open(store, blob);
  const wrong = shapeMismatch(file.shape, expected);
  if (wrong !== null) return refused(wrong.code, wrong.message);
  return (await firstNotFinite(file)) ?? { admitted: true };
}

async function firstNotFinite(weights: WeightsReader): Promise<Admission | null> {
  let wrong: string | null = null;
  await forEachStretch([weights], ({ name, values: [values] }) => {
    if (wrong === null && !isAllFinite(values!)) wrong = name;
  });
  weights.forget?.();
  if (wrong === null) return null;
  return refused('federation.weights-not-finite', `Tensor ${wrong} holds values that are not finite numbers.`);
}

/** The exponent of what is not finite is all ones: one more carries into the sign. */
function isAllFinite(values: Float32Array | Float64Array): boolean {
  if (values instanceof Float64Array) return isAllFinite64(values);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let carried = 0;
  for (let index = 0; index < bits.length; index++) carried |= (bits[index]! & 0x7fffffff) + 0x00800000;
  return carried >= 0;
}

/** x - x is 0 for finite x and NaN for others; a sum of such differences is 0 only if all are finite. */
function isAllFinite64(values: Float64Array): boolean {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! - values[index]!;
  return sum === 0;
}
