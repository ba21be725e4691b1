/**
 * How a project of very many sites grows: a coordinator, its sites and what lies between them in one process, a few
 * rounds of federated averaging, time and memory of each round. The last line is JSON.
 */
import { parseArgs } from 'node:util';
import { calm, type Scenario, SimulatedProject, type SiteSpec, simulatedJob } from '@consilium/federation/simulator';
import type { SiteId } from '@consilium/protocol';

const { values: options } = parseArgs({
  options: { sites: { type: 'string', default: '1250,2500,5000,10000' }, rounds: { type: 'string', default: '3' } },
});
const rounds = Number(options.rounds);

interface Entry {
  readonly sites: number;
  /** CPU time. */
  readonly secondsPerRound: number;
  readonly microsecondsPerSiteAndRound: number;
  /** Resident memory of the whole process, at its highest so far. */
  readonly peakMb: number;
  readonly simulatedSeconds: number;
}

function scenarioOf(count: number): Scenario {
  const sites = Array.from(
    { length: count },
    (_, index): SiteSpec => ({
      siteId: `site-${index + 1}` as SiteId,
      cases: 1 + (index % 20),
      target: index % 7,
      tasksAtOnce: 1,
      refuses: [],
      decidesAtMs: 0,
      mishapChance: 0,
      mishaps: [],
      forgeryChance: 0,
      killsAt: [],
      weather: calm,
    }),
  );
  const participants = sites.map(({ siteId }) => siteId);
  const submission = simulatedJob({ participants, minimumSites: count, rounds: { max: rounds } });
  return {
    seed: count,
    sites,
    jobs: [{ atMs: 1000, submission }],
    jobsAtOnce: 1,
    absentMsMax: 600_000,
    diskLatencyMsMax: 1,
    coordinatorKillsAt: [],
    troubles: [],
    calmFromMs: 1000,
  };
}

/** Of this process, on all threads: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measure(count: number): Promise<Entry> {
  const project = new SimulatedProject(scenarioOf(count), { keepsTrace: false });
  const roundMs: number[] = [];
  let beganMs = 0;
  project.onEvent = (event) => {
    if (event.kind === 'round-started') beganMs = cpuMs();
    if (event.kind === 'evaluated') roundMs.push(cpuMs() - beganMs);
  };
  await project.runJobs();
  project.end();
  const statuses = [...project.statuses.values()];
  if (statuses.some(({ state }) => state !== 'completed') || project.chronicle.violations.length > 0) {
    throw new Error(`${JSON.stringify(statuses)} ${JSON.stringify(project.chronicle.violations)}`);
  }
  const seconds = roundMs.reduce((sum, ms) => sum + ms, 0) / roundMs.length / 1000;
  return {
    sites: count,
    secondsPerRound: Number(seconds.toFixed(2)),
    microsecondsPerSiteAndRound: Math.round((seconds * 1e6) / count),
    peakMb: Math.round(process.resourceUsage().maxRSS / 1000),
    simulatedSeconds: Math.round(project.clock.nowMs() / 1000),
  };
}

const results: Entry[] = [];
for (const count of options.sites.split(',').map(Number)) {
  const entry = await measure(count);
  results.push(entry);
  console.log(
    `${String(entry.sites).padStart(6)} sites: ${entry.secondsPerRound} s a round, ` +
      `${entry.microsecondsPerSiteAndRound} us a site and round, peak ${entry.peakMb} MB`,
  );
}
console.log(JSON.stringify({ name: 'simulated project', units: 's a round', rounds, results }));
