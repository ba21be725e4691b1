/** The same job with nothing in its way: every site answers at once, and no process ends. */
import { createRandom } from '@consilium/numerics';
import type { Job } from '../job.ts';
import { runJob } from '../job-run.ts';
import { MemoryStore } from '../memory-store.ts';
import { completedRounds, type RoundRecord } from '../round-record.ts';
import { LocalState } from './local-state.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProject } from './simulated-project.ts';
import { SimulatedSite } from './simulated-site.ts';
import { putModel } from './simulation.ts';

/** Where everyone took part in every round, the weights are those of the undisturbed job to the last bit. */
export async function checkUndisturbed(project: SimulatedProject): Promise<void> {
  const { chronicle, coordinator, scenario } = project;
  for (const { submission: job } of scenario.jobs) {
    if (job.kind !== 'train') continue;
    const rounds = completedRounds(await coordinator.disk.platter.recall(job.jobId));
    const calm = await undisturbed(job, project);
    if (participation(rounds) !== participation(calm)) {
      if (job.strategy.kind === 'fed-buff') continue; // who comes first is chance
      chronicle.violated(
        'nobody is left out',
        `${job.jobId}: ${participation(rounds)} instead of ${participation(calm)}`,
      );
    } else if (weightsOf(rounds) !== weightsOf(calm)) {
      chronicle.violated('the same bytes', `${job.jobId} ended with other weights than undisturbed`);
    }
  }
}

async function undisturbed(job: Job, { scenario }: SimulatedProject): Promise<readonly RoundRecord[]> {
  const clock = new SimulatedClock();
  const store = new MemoryStore();
  await putModel(store);
  const sites = scenario.sites.map(({ siteId, cases, target }) => {
    const random = createRandom('undisturbed', siteId);
    return new SimulatedSite({ siteId, clock, blobs: store, random, cases, target, state: new LocalState() });
  });
  const outcome = await runJob(job, { clock, store, sites: new Map(sites.map((site) => [site.siteId, site])) });
  return outcome.rounds;
}

function participation(rounds: readonly RoundRecord[]): string {
  return rounds.map(({ trained }) => trained.map(({ siteId, askedIn }) => `${siteId}@${askedIn}`).join(' ')).join('; ');
}

function weightsOf(rounds: readonly RoundRecord[]): string {
  return rounds.map(({ weights }) => weights).join();
}
