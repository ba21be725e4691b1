/** Whether contributed weights may enter the average: they must be the tensors that were sent, with finite numbers. */
import { SafetensorsError } from '@consilium/numerics';
import type { BlobId, Encoding, TrainContribution } from '@consilium/protocol';
import { ContributedWeights } from './contributed-weights.ts';
import { isAllFinite } from './finite-chunks.ts';
import type { Ports } from './ports.ts';
import { shapeMismatch } from './shape-mismatch.ts';
import type { TrainInstructions } from './strategy.ts';
import { forEachStretch, WeightsFile, type WeightsReader, type WeightsShape } from './weights.ts';

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly code: string; readonly message: string };

const refused = (code: `federation.${string}`, message: string): Admission => ({ admitted: false, code, message });

type AdmissionPorts = Pick<Ports, 'store' | 'finiteChunks'>;

/** What a site was asked for. */
interface Asking extends Pick<TrainInstructions, 'keepLocal' | 'control'> {
  readonly reply: Encoding;
}

/** Reads every number, unless it is known of their chunks that they are finite. `base`: the weights that the site was sent. */
export async function admit(
  ports: AdmissionPorts,
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
    const weights = await ContributedWeights.open(ports.store, contribution, base, keepLocal);
    if (weights.mismatch !== null) return refused(weights.mismatch.code, weights.mismatch.message);
    const wrong = await firstNotFinite(weights, ports);
    return wrong ?? (await admitControl(ports, contribution.controlChange, base.shape));
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return refused('federation.weights-malformed', 'The weights are not a well-formed safetensors file.');
  }
}

async function admitControl(ports: AdmissionPorts, blob: BlobId | null, expected: WeightsShape): Promise<Admission> {
  if (blob === null) return { admitted: true };
  const file = await WeightsFile.open(ports.store, blob);
  const wrong = shapeMismatch(file.shape, expected);
  if (wrong !== null) return refused(wrong.code, wrong.message);
  return (await firstNotFinite(file, ports)) ?? { admitted: true };
}

async function firstNotFinite(
  weights: ContributedWeights | WeightsFile,
  { finiteChunks }: AdmissionPorts,
): Promise<Admission | null> {
  if (finiteChunks !== undefined && weights.isKnownFinite(finiteChunks)) return null;
  let wrong: string | null = null;
  await forEachStretch([weights], ({ name, values: [values] }) => {
    if (wrong === null && !isAllFinite(values!)) wrong = name;
  });
  weights.forget();
  if (wrong === null) return null;
  return refused('federation.weights-not-finite', `Tensor ${wrong} holds values that are not finite numbers.`);
}
