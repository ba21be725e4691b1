/**
 * One step of gradient descent on ½|w - target|², with noise from the seed: whatever a strategy asks of a site, done on
 * the smallest problem there is. A pure function of the task and of what the site kept of the rounds before.
 */
import { createRandom, type Tensor, type Weights } from '@consilium/numerics';
import type { SiteId, TrainTask } from '@consilium/protocol';
import { encodeWeights } from '../encoded-weights.ts';
import { controlAfter, controlCorrection } from '../local-control.ts';
import { matchesAny } from '../tensor-pattern.ts';
import type { LocalState } from './local-state.ts';

const rate = 0.3;
const noise = 0.01;

export interface SimulatedTraining {
  readonly task: TrainTask;
  readonly siteId: SiteId;
  readonly target: number;
  readonly sent: Weights;
  /** The server's control variate, where the task names one. */
  readonly control: Weights | null;
  readonly state: LocalState;
}

export function simulatedTraining({ task, siteId, target, sent, control, state }: SimulatedTraining): {
  readonly tensors: Weights;
  readonly controlChange: Weights | null;
} {
  const { round, seed, keepLocal, personalLambda, reply } = task;
  const random = createRandom(seed, siteId, round);
  const kept = state.before(round, 'kept');
  const start: Weights = new Map([...sent].map(([name, tensor]) => [name, kept.get(name) ?? tensor]));
  const own = state.before(round, 'control');
  const correction = control === null ? new Map() : controlCorrection({ control, own });
  const trained = mapValues(start, (value, name, index) => {
    const corrected = value - target + Number(correction.get(name)?.data[index] ?? 0);
    return value - rate * corrected + noise * random.normal();
  });
  state.keep(round, 'kept', new Map([...trained].filter(([name]) => matchesAny(name, keepLocal))));
  if (personalLambda !== null) {
    const before = state.before(round, 'personal');
    const personal = mapValues(before.size > 0 ? before : sent, (value, name, index) => {
      return value - rate * (value - target + personalLambda * (value - Number(sent.get(name)!.data[index])));
    });
    state.keep(round, 'personal', personal);
  }
  const after = control && controlAfter({ control, own, sent, trained, rateSum: rate });
  if (after !== null) state.keep(round, 'control', after.own);
  const shared = new Map([...trained].filter(([name]) => !matchesAny(name, keepLocal)));
  const residual = state.before(round, 'residual');
  const encoded = encodeWeights({ weights: shared, base: sent, residual, encoding: reply });
  state.keep(round, 'residual', encoded.residual);
  return { tensors: encoded.tensors, controlChange: after?.change ?? null };
}

function mapValues(weights: Weights, next: (value: number, name: string, index: number) => number): Weights {
  return new Map(
    [...weights].map(([name, { shape, data }]): [string, Tensor] => [
      name,
      { dtype: 'float32', shape, data: Float32Array.from(data as Float32Array, (value, at) => next(value, name, at)) },
    ]),
  );
}
