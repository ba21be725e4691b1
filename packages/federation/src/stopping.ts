/**
 * When training ends: because the predictions no longer improve, or because the rounds are used up. A round gains if its
 * score exceeds the score of the last round that gained by at least `minimumGain`; after `patience` rounds without a
 * gain the job stops. (Comparing with the last gain and not with the round before lets slow, steady progress count.)
 */
import type { JobReason } from './reason.ts';

export interface StoppingRule {
  /** Rounds without a gain before stopping, at least 1. */
  readonly patience: number;
  /** Smallest difference in score that counts, at least 0. */
  readonly minimumGain: number;
  readonly roundsMax: number;
  /** The model is scored after every so many rounds, and after the last; default: after each. */
  readonly evaluateEvery?: number | undefined;
}

export type Decision = { readonly kind: 'continue' } | { readonly kind: 'stop'; readonly reason: JobReason };

/** Whether the model is scored after `round`, counted from 1. */
export function isScored(
  round: number,
  { evaluateEvery = 1, roundsMax }: Omit<StoppingRule, 'patience' | 'minimumGain'>,
): boolean {
  return round % evaluateEvery === 0 || round >= roundsMax;
}

/** `scores`: one for each round so far, null where no site could score, or none was asked to. */
export function decide(scores: readonly (number | null)[], rule: StoppingRule): Decision {
  const lastGain = lastGainOf(scores, rule.minimumGain);
  const isOver = lastGain !== null && scores.length - lastGain.round >= rule.patience;
  if (isOver && isScored(scores.length, rule)) {
    const best = bestRound(scores);
    return stop(
      'no-longer-improving',
      `The predictions no longer improve: the sites' validation score rose by less than ${rule.minimumGain} in the last ${
        rule.patience === 1 ? 'round' : `${rule.patience} rounds`
      }. Best: ${scores[best - 1]!.toFixed(4)} in round ${best}.`,
    );
  }
  if (scores.length >= rule.roundsMax) {
    return stop('rounds-used-up', `All ${rule.roundsMax} rounds of the job were run.`);
  }
  return { kind: 'continue' };
}

/** The round (from 1) whose model is kept: the highest score, the earliest of equals; the last one if none has a score. */
export function bestRound(scores: readonly (number | null)[]): number {
  let best: { round: number; score: number } | null = null;
  scores.forEach((score, index) => {
    if (score !== null && (best === null || score > best.score)) best = { round: index + 1, score };
  });
  return (best as { round: number } | null)?.round ?? scores.length;
}

function lastGainOf(
  scores: readonly (number | null)[],
  minimumGain: number,
): { readonly round: number; readonly score: number } | null {
  let last: { round: number; score: number } | null = null;
  scores.forEach((score, index) => {
    if (score === null) return;
    if (last === null || (score > last.score && score >= last.score + minimumGain)) last = { round: index + 1, score };
  });
  return last;
}

function stop(code: string, text: string): Decision {
  return { kind: 'stop', reason: { code, text } };
}
