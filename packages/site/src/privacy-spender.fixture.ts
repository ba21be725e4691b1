/** Spends of the budget in `argv[2]`, a round after another, and tells of each when it is durable, until it is killed. */
import type { JobId } from '@consilium/protocol';
import { PrivacyBudget } from './privacy-budget.ts';

const budget = await PrivacyBudget.open(process.argv[2]!, { deltaMax: 1e-5 });
for (let round = budget.spends().length + 1; ; round++) {
  const spend = {
    jobId: 'job' as JobId,
    round,
    samplingRate: 0.5,
    noiseMultiplier: 1,
    steps: 1,
    isSeeded: false,
    othersTrusted: 0,
  };
  budget.reserve(`round ${round}`, spend);
  await new Promise<void>((resolve) => {
    process.send!(round, () => resolve());
  });
}
