/** What a site's people are told of its privacy budget. */
import type { PrivacyReport } from '@consilium/site';
import { textTable } from './answer.ts';

export function privacyText({ unit, delta, epsilon, epsilonMax, jobs }: PrivacyReport): string {
  const limit =
    epsilonMax === null
      ? '; no limit is set (privacy.epsilonMax in site.yaml)'
      : ` of at most ${epsilonMax}; ${(Math.floor(Math.max(0, epsilonMax - epsilon) * 100) / 100).toFixed(2)} left`;
  const rows = jobs.map((job) => [
    job.jobId,
    String(job.rounds),
    rounded(job.epsilon),
    [
      ...(job.isSeeded ? ['noise from a known seed: it protects nobody'] : []),
      ...(job.othersTrusted > 0 ? [`as long as ${job.othersTrusted} other sites add their noise, and keep it`] : []),
    ].join('; '),
  ]);
  return [
    `Spent: ε = ${rounded(epsilon)}${limit}. At δ = ${delta}, for each ${unit}.`,
    ...(rows.length === 0
      ? ['No job has trained privately here.']
      : ['', textTable([['job', 'trainings', 'ε alone', ''], ...rows])]),
  ].join('\n');
}

/** Never less than it is. */
function rounded(epsilon: number): string {
  return (Math.ceil(epsilon * 100 - 1e-9) / 100).toFixed(2);
}
