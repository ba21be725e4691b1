/** What training takes: time, bytes, energy. `NaN` and null are what nobody measured. */
import type { RunRecord } from './experiment-record.ts';

export interface TrainingCost {
  /** To the end of the last round, mean over the runs. Of runs at once each waits for the others. */
  readonly seconds: number;
  /** Patches that went through the network in a second of a site’s time, mean over the sites. */
  readonly patchesPerSecond: number;
  /** Weights to and from the sites, graph and first weights included; not what TLS and messages add. */
  readonly bytes: number;
  readonly parameters: number;
  /** null: the machine does not report it. */
  readonly energyJoules: number | null;
}

export function costOf(runs: readonly RunRecord[]): TrainingCost {
  const energies = runs.flatMap(({ energyJoules }) => energyJoules ?? []);
  return {
    seconds: mean(runs.map(secondsOf)),
    patchesPerSecond: mean(runs.map(patchesPerSecond)),
    bytes: mean(runs.map(bytesOf)),
    parameters: mean(runs.map(({ parameters }) => parameters)),
    energyJoules: energies.length === runs.length && runs.length > 0 ? mean(energies) : null,
  };
}

/** Until validation has come to the score for the first time; null: it never did. */
export function secondsToScore({ rounds }: RunRecord, score: number): number | null {
  const reached = rounds.findIndex((round) => round.score !== null && round.score >= score);
  return reached < 0 ? null : rounds.slice(0, reached + 1).reduce((sum, { seconds }) => sum + seconds, 0);
}

function secondsOf({ rounds }: RunRecord): number {
  return rounds.reduce((sum, { seconds }) => sum + seconds, 0);
}

function patchesPerSecond({ rounds, batchSize }: RunRecord): number {
  const trained = rounds.flatMap((round) => round.trained);
  const patches = trained.reduce((sum, { steps }) => sum + steps * batchSize, 0);
  return patches / (trained.reduce((sum, { ms }) => sum + ms, 0) / 1000);
}

/** Each site gets the weights of every round it trains in, sends its own, and gets the new ones to score. */
function bytesOf({ rounds, weightsBytes }: RunRecord): number {
  return rounds.reduce(
    (sum, { trained, evaluated }) => sum + (2 * trained.length + evaluated.length) * weightsBytes,
    0,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
