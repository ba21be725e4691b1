/** Which configurations the test patients are asked about: by validation, or all that were declared beforehand. */
import type { Experiment } from './experiment-file.ts';
import type { RunRecord } from './experiment-record.ts';
import { ranked, type Standing } from './halving.ts';

export interface Choice {
  /** In words, for ledger and report. */
  readonly rule: string;
  readonly standings: readonly Standing[];
  readonly chosen: readonly string[];
}

/** Mean best validation score over the seeds of each configuration; only of those all of whose runs came to an end. */
export function standingsOf(configurations: readonly string[], runs: readonly RunRecord[]): Standing[] {
  return configurations.map((configuration) => {
    const own = runs.filter((run) => run.configuration === configuration);
    const scores = own.map(({ best, state }) => (state === 'completed' ? (best?.score ?? null) : null));
    const whole = scores.length > 0 && scores.every((score) => score !== null);
    return { configuration, score: whole ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null };
  });
}

export function choiceOf({ test }: Pick<Experiment, 'test'>, standings: readonly Standing[]): Choice {
  const able = ranked(standings.filter(({ score }) => score !== null)).map(({ configuration }) => configuration);
  switch (test) {
    case 'none':
      return { rule: 'none is tested', standings, chosen: [] };
    case 'all': {
      const chosen = standings.filter(({ score }) => score !== null).map(({ configuration }) => configuration);
      return { rule: 'all that were declared and came to their end; nothing is chosen', standings, chosen };
    }
    case 'best':
      return { rule: 'the best by mean validation Dice over the seeds', standings, chosen: able.slice(0, 1) };
    default: {
      const rule = `the ${test.best} best by mean validation Dice over the seeds`;
      return { rule, standings, chosen: able.slice(0, test.best) };
    }
  }
}
