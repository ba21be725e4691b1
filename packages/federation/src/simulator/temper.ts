/** What may befall a project, and how much of it: a scenario is drawn from it by a seed. */
import { createRandom, type Random } from '@consilium/numerics';
import { type JobId, plainEncoding, type SecureAggregation, type SiteId, type TaskKind } from '@consilium/protocol';
import type { Job } from '../job.ts';
import type { StrategySpec } from '../strategies.ts';
import type { Submission } from '../submission.ts';
import type { Scenario, SiteSpec, Trouble } from './scenario.ts';
import type { Weather } from './simulated-link.ts';
import type { Mishap } from './simulated-site.ts';
import { simulatedJob } from './simulation.ts';

/** Chances are of a site, numbers the most there can be. */
export interface Temper {
  readonly strategies: readonly ('any' | StrategySpec['kind'])[];
  readonly jobsMax: number;
  /** Jobs differ in their names alone, so that what sites contribute to one is, to the byte, what they do to the others. */
  readonly twins: boolean;
  readonly kills: number;
  readonly weather: boolean;
  readonly partitions: number;
  readonly freezes: number;
  readonly disks: number;
  readonly operators: number;
  readonly mishapChance: number;
  readonly mishaps: readonly Mishap[];
  readonly refusalChance: number;
  /** That a person has to approve what a site is asked for. */
  readonly approvalChance: number;
  readonly condemnChance: number;
  readonly forgeryChance: number;
  /** Every training job sums securely. */
  readonly secure: boolean;
  /** Every other job compares patients. */
  readonly overlaps: boolean;
  /** Nobody is left out: everyone is waited for. */
  readonly patient: boolean;
}

const anyMishap: readonly Mishap[] = [
  'lost',
  'lost',
  'slow',
  'fails',
  'fails-for-good',
  'not-finite',
  'other-shape',
  'other-names',
  'other-dtype',
  'another-kind',
  'junk',
];

export const quiet: Temper = {
  strategies: ['any'],
  jobsMax: 1,
  twins: false,
  kills: 0,
  weather: false,
  partitions: 0,
  freezes: 0,
  disks: 0,
  operators: 0,
  mishapChance: 0,
  mishaps: anyMishap,
  refusalChance: 0,
  approvalChance: 0,
  condemnChance: 0,
  forgeryChance: 0,
  secure: false,
  overlaps: false,
  patient: false,
};

const troubleMs = 60_000;

export function scenarioOf(seed: number, temper: Temper): Scenario {
  const random = createRandom(seed, 'scenario');
  const sites = Array.from({ length: random.integer(2, 6) }, (_, index) => siteOf(index, temper, random));
  const jobs = Array.from({ length: random.integer(1, temper.jobsMax + 1) }, (_, index) => ({
    atMs: index === 0 ? random.between(0, 2000) : random.between(0, 60_000),
    submission: submissionOf(index, sites, temper, temper.twins ? createRandom(seed, 'twins') : random),
  }));
  return {
    seed,
    sites,
    jobs,
    jobsAtOnce: random.integer(1, 4),
    absentMsMax: temper.patient ? 1e9 : random.between(60_000, 400_000),
    diskLatencyMsMax: random.choice([0.5, 3, 30, 300]),
    coordinatorKillsAt: killsOf(temper.kills, random),
    troubles: troublesOf(sites, jobs.length, temper, random),
    calmFromMs: troubleMs + 30_000,
  };
}

function siteOf(index: number, temper: Temper, random: Random): SiteSpec {
  const kinds: readonly TaskKind[] = ['train', 'evaluate', 'fingerprint', 'prepare'];
  return {
    siteId: `site-${index + 1}` as SiteId,
    cases: random.integer(1, 20),
    target: index,
    tasksAtOnce: random.integer(1, 3),
    refuses: random.chance(temper.refusalChance) ? [random.choice(kinds)] : [],
    decidesAtMs: temper.approvalChance > 0 && random.chance(temper.approvalChance) ? random.between(1, 80_000) : 0,
    mishapChance: random.chance(0.5) ? temper.mishapChance : 0,
    mishaps: temper.mishaps,
    forgeryChance: random.chance(0.5) ? temper.forgeryChance : 0,
    killsAt: random.chance(0.5) ? killsOf(temper.kills, random) : [],
    weather: weatherOf(temper, random),
  };
}

function weatherOf({ weather }: Temper, random: Random): Weather {
  const latencyMs = random.choice([0.2, 5, 200]);
  return {
    latencyMs: [latencyMs / 4, weather && random.chance(0.2) ? 10 * latencyMs : latencyMs],
    bytesPerMs: weather && random.chance(0.2) ? 0.05 : 10_000,
    breakChance: weather ? random.choice([0, 0.01, 0.1]) : 0,
    duplicateChance: weather ? random.choice([0, 0.1]) : 0,
  };
}

/** Some close together, so that a process also dies while it recovers. */
function killsOf(max: number, random: Random): readonly number[] {
  let step = 0;
  return Array.from({ length: random.integer(0, max + 1) }, () => {
    step += random.chance(0.4) ? random.integer(1, 20) : random.integer(1, 400);
    return step;
  });
}

function submissionOf(index: number, sites: readonly SiteSpec[], temper: Temper, random: Random): Submission {
  const participants = sites.map(({ siteId }) => siteId);
  const patience = {
    minimumSites: temper.patient ? sites.length : random.integer(1, sites.length + 1),
    stragglerMs: temper.patient ? 1e9 : random.between(15_000, 120_000),
    attempts: temper.patient ? 1000 : random.integer(1, 4),
  };
  const jobId = `job-${index + 1}` as JobId;
  if (temper.overlaps && index % 2 === 0) {
    const { minimumSites, ...limits } = patience;
    const settings = {
      ...{ identifier: 'patient-id' as const, capacity: 16, minimumCount: 1 },
      minimumSites: Math.max(2, minimumSites),
    };
    return { kind: 'overlap', jobId, participants, settings, ...limits };
  }
  if (random.chance(temper.strategies.includes('any') ? 0.15 : 0)) {
    const task = random.choice([{ kind: 'fingerprint' }, { kind: 'prepare', plan: { version: 1 } }] as const);
    return { kind: 'survey', jobId, participants, task, ...patience };
  }
  const kind = random.choice(temper.strategies);
  const specs = strategiesFor(sites.length, patience.minimumSites, random);
  const strategy = random.choice(kind === 'any' ? specs : specs.filter((spec) => spec.kind === kind));
  const job = simulatedJob({
    jobId,
    participants,
    rounds: { max: random.integer(1, 5) },
    ...patience,
    ...(strategy.kind === 'cyclic' ? { minimumSites: 1 } : {}),
    seed: random.integer(0, 1000),
    ...(random.chance(0.25) ? { evaluateEvery: random.integer(2, 5) } : {}),
    strategy,
    reply: random.chance(0.8) ? plainEncoding : { numbers: 'int8', onlyChanged: false },
  });
  if (temper.secure) return secured(job);
  if (job.strategy.kind !== 'fed-buff') return job;
  const maxStaleness = createRandom(job.seed, 'staleness').choice([0, 1, 2, undefined]);
  return { ...job, strategy: { ...job.strategy, ...(maxStaleness === undefined ? {} : { maxStaleness }) } };
}

function secured(job: Job): Job {
  const random = createRandom(job.seed, job.jobId, 'secure');
  const sites = job.participants.length;
  const threshold = random.integer(Math.floor(sites / 2) + 1, sites + 1);
  const secureAggregation: SecureAggregation = {
    threshold,
    clip: random.choice([0.01, 1, 8]),
    bits: random.choice([8, 16, 31]),
    casesMax: 20,
    rounding: random.choice(['stochastic', 'nearest']),
    ...(sites > 4 && random.chance(0.3) ? { neighbours: 4 } : {}),
  };
  const minimumSites = Math.max(job.minimumSites, threshold);
  return { ...job, minimumSites, reply: plainEncoding, secureAggregation };
}

function strategiesFor(sites: number, minimumSites: number, random: Random): readonly StrategySpec[] {
  return [
    { kind: 'fed-avg' },
    { kind: 'fed-avg' },
    { kind: 'fed-prox', mu: 0.1 },
    { kind: 'fed-buff', bufferSize: random.integer(minimumSites, sites + 1), learningRate: 1 },
    { kind: 'scaffold', learningRate: 1 },
    { kind: 'partial-sharing', keepLocal: ['b'] },
    { kind: 'cyclic' },
    ...(minimumSites < 3 ? [] : ([{ kind: 'median' }] as const)),
  ];
}

/** Often so soon that what was paused has not come to its end. */
function resumption({ atMs, job }: { readonly atMs: number; readonly job: number }, random: Random) {
  return { kind: 'resume' as const, job, atMs: atMs + random.choice([random.between(0, 100), 30_000]) };
}

function troublesOf(
  sites: readonly SiteSpec[],
  jobs: number,
  temper: Temper,
  random: Random,
): readonly (Trouble & { readonly atMs: number })[] {
  const siteIds = sites.map(({ siteId }) => siteId);
  const anyMachine = () => random.choice<SiteId | 'coordinator'>(['coordinator', ...siteIds]);
  const some = () => (random.chance(0.3) ? siteIds : [random.choice(siteIds)]);
  const several = (max: number, trouble: () => Trouble): (Trouble & { readonly atMs: number })[] =>
    Array.from({ length: random.integer(0, max + 1) }, () => ({ ...trouble(), atMs: random.between(0, troubleMs) }));
  const directions = [['up'], ['down'], ['up', 'down']] as const;
  const howLong = () => random.choice([random.between(10, 3000), random.between(3000, 40_000), 90_000]);
  return [
    ...several(temper.partitions, () =>
      random.chance(0.3)
        ? { kind: 'break', siteIds: some() }
        : { kind: 'partition', siteIds: some(), directions: random.choice(directions), forMs: howLong() },
    ),
    ...several(temper.freezes, () => ({
      kind: 'freeze',
      machine: anyMachine(),
      forMs: random.choice([random.between(0, 10_000), 60_000, 200_000]),
    })),
    ...several(temper.disks, () =>
      random.chance(0.5)
        ? { kind: 'disk-full', machine: anyMachine(), forMs: howLong() }
        : { kind: 'writes-fail', machine: anyMachine(), writes: random.integer(1, 5) },
    ),
    ...several(temper.operators, () => ({
      kind: random.choice(['pause', 'pause', 'resume', 'abort'] as const),
      job: random.integer(0, jobs),
    })).flatMap((action) => (action.kind === 'pause' ? [action, resumption(action, random)] : [action])),
    ...several(Math.min(1, temper.kills), () => ({ kind: 'kill', machine: anyMachine(), downMs: howLong() })),
    ...siteIds.flatMap((machine) =>
      random.chance(temper.condemnChance)
        ? [{ kind: 'condemn' as const, machine, atMs: random.between(0, troubleMs) }]
        : [],
    ),
  ];
}
