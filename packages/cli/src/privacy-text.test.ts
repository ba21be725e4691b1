import type { PrivacyReport } from '@consilium/site';
import { describe, expect, it } from 'vitest';
import { privacyText } from './privacy-text.ts';

const job = (jobId: string, epsilon: number, isSeeded = false, othersTrusted = 0) => ({
  ...{ jobId, rounds: 3, epsilon, isSeeded, othersTrusted },
});
const report = (changes: object) =>
  ({ unit: 'patient', delta: 1e-5, epsilon: 0, epsilonMax: null, jobs: [], ...changes }) as PrivacyReport;

describe('the text about a privacy budget', () => {
  it('says what is spent by whom and what is left', () => {
    const jobs = [job('kidney-1', 2.5), job('kidney-2', 1.001)];
    expect(privacyText(report({ epsilon: 3.121, epsilonMax: 8, jobs }))).toBe(
      `Spent: ε = 3.13 of at most 8; 4.87 left. At δ = 0.00001, for each patient.

job       trainings  ε alone
kidney-1  3          2.50
kidney-2  3          1.01`,
    );
  });

  it('says where no limit is set, nothing was spent, or the noise was none', () => {
    expect(privacyText(report({}))).toBe(
      `Spent: ε = 0.00; no limit is set (privacy.epsilonMax in site.yaml). At δ = 0.00001, for each patient.
No job has trained privately here.`,
    );
    const seeded = privacyText(report({ epsilon: 1, jobs: [job('rehearsal', 1, true)] }));
    expect(seeded).toContain('rehearsal  3          1.00     noise from a known seed: it protects nobody');
  });
});
